SELECT pg_get_userbyid(n.nspowner),
       EXISTS (SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
                WHERE a.grantee = 0 AND a.privilege_type = 'CREATE'),
       (SELECT min(pg_get_userbyid(a.grantor)::text) FROM aclexplode(n.nspacl) a
         WHERE a.grantee = 0 AND a.privilege_type = 'CREATE' AND a.grantor <> n.nspowner)
  FROM pg_namespace n
 WHERE n.nspname = 'public'
