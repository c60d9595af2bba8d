-- For run.sh: what was found.
\if :has_sent
	INSERT INTO found (what, good, detail)
	SELECT 'send.sh takes files in', :'sent' ~ E'^processed placed MS-[0-9]+ SO-[0-9]+\ndead MS-[0-9]+ segment 5, PO1: the transaction set ends here without SE[^\n]*$', :'sent';
\endif
INSERT INTO found (what, good, detail) SELECT 'nothing is wrong', count(*) = 0, min(v::text) FROM usom.verify() v;
SELECT format('%s - %s%s', CASE WHEN good THEN 'ok' ELSE 'not ok' END, what, CASE WHEN good THEN '' ELSE ': ' || coalesce(detail, 'none') END) FROM found ORDER BY n;
SELECT format('%s passed, %s failed', count(*) FILTER (WHERE good), count(*) FILTER (WHERE good IS NOT TRUE)) FROM found;
