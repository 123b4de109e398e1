SELECT pg_get_userbyid(n.nspowner),
       EXISTS (SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
                WHERE a.grantee = 0 AND a.privilege_type = 'CREATE'),
       (SELECT min(pg_get_userbyid(a.grantor)::text) FROM aclexplode(n.nspacl) a
         WHERE a.grantee = 0 AND a.privilege_type = 'CREATE' AND a.grantor <> n.nspowner)
  FROM pg_namespace n
 WHERE n.nspname = 'public';
-- Who may create in it by a grant of its own, and use it; the owner of the database also as a member of others.
SELECT DISTINCT CASE WHEN pg_has_role(d.datdba, a.grantee, 'USAGE') THEN pg_get_userbyid(d.datdba)
                     ELSE pg_get_userbyid(a.grantee) END
  FROM pg_namespace n
  JOIN pg_database d ON d.datname = current_database(),
       LATERAL (SELECT coalesce(n.nspacl, acldefault('n', n.nspowner)) AS acl) held,
       aclexplode(held.acl) a
 WHERE n.nspname = 'public' AND a.grantee <> 0 AND a.privilege_type = 'CREATE'
   AND EXISTS (SELECT FROM aclexplode(held.acl) u
                WHERE u.privilege_type = 'USAGE' AND u.grantee IN (0, a.grantee))
