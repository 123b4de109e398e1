-- The shared catalogs in one round trip. $MEMBERSHIP_OPTIONS$ depends on the server's version. A tenant's
-- comment may be as long as it likes; ours are far shorter than what is read of it.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT current_user, pg_is_in_recovery();
SELECT d.datname, pg_get_userbyid(d.datdba), d.datallowconn, d.datconnlimit = -2,
       pg_encoding_to_char(d.encoding), left(s.description, 2000),
       d.datconnlimit, d.datistemplate
  FROM pg_database d
  LEFT JOIN pg_shdescription s ON s.classoid = 'pg_database'::regclass AND s.objoid = d.oid;
-- A NULL datacl stands for the defaults: PUBLIC has CONNECT and TEMPORARY.
SELECT d.datname, CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END, a.privilege_type,
       pg_get_userbyid(a.grantor), a.is_grantable
  FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a;
SELECT DISTINCT d.datname, r.rolname
  FROM pg_shdepend s
  JOIN pg_database d ON d.oid = s.dbid
  JOIN pg_roles r ON r.oid = s.refobjid
 WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o' AND NOT r.rolsuper
   AND (d.datname = 'template1' OR NOT d.datallowconn);
SELECT r.rolname, r.rolcanlogin, r.rolcreatedb, r.rolcreaterole, r.rolsuper, r.rolreplication,
       r.rolbypassrls, r.rolconnlimit, coalesce(r.rolvaliduntil <> 'infinity', false),
       left(s.description, 2000), r.rolinherit
  FROM pg_roles r
  LEFT JOIN pg_shdescription s ON s.classoid = 'pg_authid'::regclass AND s.objoid = r.oid;
SELECT pg_get_userbyid(m.roleid), pg_get_userbyid(m.member), m.admin_option, $MEMBERSHIP_OPTIONS$
  FROM pg_auth_members m;
COMMIT
