"""Archives to records: heads, members and frames, damage, HTTP payloads, digests.

window    a stream that is only read forwards, and what may still be looked at again
sound, gzipped, zstandards, spool, unpack    packed members to unpacked parts, and gaps where they are damaged
heads, framing    unpacked parts to records and faults
reader    open_archive, read_at
chunks, codings, http    the block of a record to status, headers and decoded body
digests   what records say of their own content
"""
