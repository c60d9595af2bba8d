-- step 1
-- Not FORCE: the statements of the library run as the owner, for whom policies do not hold.
SELECT usom._secure_table(c.relname)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p')
ORDER BY c.relname;
