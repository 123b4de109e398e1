-- What the owner of the database made and granted, as of one moment, without what the owner has anyway.
-- A grantor is named where another than the owner granted: that is not the owner's to take.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT n.nspname, pg_get_userbyid(n.nspowner), has_schema_privilege(d.datdba, n.oid, 'USAGE')
  FROM pg_namespace n
  JOIN pg_database d ON d.datname = current_database()
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';
SELECT n.nspname, CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END,
       string_agg(a.privilege_type, ','),
       CASE WHEN a.grantor <> n.nspowner THEN pg_get_userbyid(a.grantor) END,
       string_agg(a.privilege_type, ',') FILTER (WHERE a.is_grantable)
  FROM pg_namespace n, aclexplode(n.nspacl) a
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND (a.grantee <> n.nspowner OR a.grantor <> n.nspowner)
 GROUP BY n.nspname, n.nspowner, a.grantee, a.grantor;
SELECT n.nspname, c.relname, c.relkind = 'S'
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relowner = (SELECT datdba FROM pg_database WHERE datname = current_database())
   AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND n.nspname !~ '^pg_';
SELECT n.nspname, c.relname, CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END,
       string_agg(DISTINCT a.privilege_type, ','),
       CASE WHEN a.grantor <> c.relowner THEN pg_get_userbyid(a.grantor) END, a.on_column,
       string_agg(DISTINCT a.privilege_type, ',') FILTER (WHERE a.is_grantable)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace,
       LATERAL (SELECT e.*, false AS on_column FROM aclexplode(c.relacl) e
                 UNION ALL
                SELECT e.*, true FROM pg_attribute t, aclexplode(t.attacl) e
                 WHERE t.attrelid = c.oid AND NOT t.attisdropped) a
 WHERE c.relowner = (SELECT datdba FROM pg_database WHERE datname = current_database())
   AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND n.nspname !~ '^pg_'
   AND (a.grantee <> c.relowner OR a.grantor <> c.relowner)
 GROUP BY n.nspname, c.relname, c.relowner, a.grantee, a.grantor, a.on_column;
SELECT n.nspname, d.defaclobjtype, CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END,
       string_agg(a.privilege_type, ','),
       string_agg(a.privilege_type, ',') FILTER (WHERE a.is_grantable)
  FROM pg_default_acl d
  LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a
 WHERE d.defaclrole = (SELECT datdba FROM pg_database WHERE datname = current_database())
   AND a.grantee <> d.defaclrole
 GROUP BY n.nspname, d.defaclobjtype, a.grantee;
SELECT e.extname FROM pg_extension e;
COMMIT
