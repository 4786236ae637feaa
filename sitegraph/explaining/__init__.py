"""Why a site has the ranks that it has."""
