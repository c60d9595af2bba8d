-- who may do what, for whom: roles, organisations, break-glass
\set VERBOSITY default
BEGIN;
SET LOCAL client_min_messages = warning;
DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['usom_break_glass', 'usom_manager', 'usom_integrator', 'usom_test_anna'] LOOP
		IF to_regrole(name) IS NULL THEN
			EXECUTE format('CREATE ROLE %I', name);
		END IF;
	END LOOP;
END $$;
RESET client_min_messages;
GRANT usom_manager, usom_integrator TO usom_test_anna;
GRANT INSERT ON usom.stock TO usom_break_glass;
SET LOCAL ROLE usom_test_anna;
SAVEPOINT s;
SELECT usom.current_org();
ROLLBACK TO s;
SELECT :'LAST_ERROR_SQLSTATE' = 'US903' AS separated;
RESET ROLE;
REVOKE usom_integrator FROM usom_test_anna;
SET LOCAL ROLE usom_test_anna;
SELECT usom.current_org();
ROLLBACK TO s;
RESET ROLE;
SET LOCAL ROLE usom_break_glass;
INSERT INTO usom.stock (org_id, product_id, location_id) VALUES (1, 1, 1);
ROLLBACK TO s;
SELECT :'LAST_ERROR_SQLSTATE' = 'US902' AS reason_wanted;
SET LOCAL ROLE usom_break_glass;
SET LOCAL usom.reason = 'lost in the fire';
INSERT INTO usom.stock (org_id, product_id, location_id) VALUES (1, 1, 1);
RESET ROLE;
SELECT session_role = active_role AS same, active_role, reason FROM usom.audit_entry ORDER BY audit_entry_id DESC LIMIT 1;
ROLLBACK;
