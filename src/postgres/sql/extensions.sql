SELECT e.name, v.superuser AND NOT v.trusted, v.schema
  FROM pg_available_extensions e
  JOIN pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version
