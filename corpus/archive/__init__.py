"""Archives: members, records, HTTP payloads, charsets."""
