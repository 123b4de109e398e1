-- Effective rights, memberships and PUBLIC counted, as the server itself judges them.
SELECT r.rolname, d.datname
  FROM pg_roles r
  LEFT JOIN pg_database d
    ON d.datallowconn AND d.datname <> 'template0' AND has_database_privilege(r.oid, d.oid, 'CONNECT')
 WHERE r.rolcanlogin AND NOT r.rolsuper
