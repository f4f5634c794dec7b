"""The gradebook's schema, one step a file: written once, never changed."""

VERSION_TABLE = "gradebook_version"
