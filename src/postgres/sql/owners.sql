SELECT DISTINCT r.rolname
  FROM pg_shdepend s
  JOIN pg_database d ON d.oid = s.dbid
  JOIN pg_roles r ON r.oid = s.refobjid
 WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o' AND NOT r.rolsuper
   AND d.datname = $DATABASE$
