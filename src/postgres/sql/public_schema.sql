SELECT pg_get_userbyid(n.nspowner),
       EXISTS (SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
                WHERE a.grantee = 0 AND a.privilege_type = 'CREATE')
  FROM pg_namespace n
 WHERE n.nspname = 'public'
