-- who may do what, for whom: profiles, organisations, channels, duties, break-glass
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE usom_test_agent;
CREATE ROLE usom_test_web;
CREATE ROLE usom_test_prices;
CREATE ROLE usom_test_boss;
CREATE ROLE usom_test_glass;
CREATE ROLE usom_test_team;
RESET client_min_messages;
INSERT INTO usom.organisation (code, name) VALUES ('access_de', 'Germany');
INSERT INTO usom.product (sku) VALUES ('ACC-1');
INSERT INTO usom.location (code) VALUES ('ACC-SHELF');
SELECT usom.receive_stock('ACC-SHELF', 'ACC-1', 100);

-- what is granted, and to whom nothing
SELECT usom.grant_access('usom_test_agent', 'agent');
SELECT usom.grant_access('usom_test_web', 'channel', channel => 'web');
SELECT usom.grant_access('usom_test_prices', 'integrator', 'main');
SELECT usom.grant_access('usom_test_glass', 'break_glass');
SELECT usom.grant_access('usom_test_glass', 'break_glass');
SELECT a.role, a.profile, c.code AS channel FROM usom.access a LEFT JOIN usom.channel c USING (org_id, channel_id) ORDER BY a.access_id;
SELECT usom.grant_access('usom_test_agent', 'king');
SELECT usom.grant_access('usom_test_nobody', 'agent');
SELECT usom.grant_access(NULL, 'agent');
SELECT usom.grant_access('usom_test_agent', NULL);
SELECT usom.grant_access('usom_test_agent', 'agent', 'atlantis');
SELECT usom.grant_access('usom_test_agent', 'agent', 'main', 'smoke');
SELECT usom.revoke_access('usom_test_boss', 'bi');
SET ROLE usom_test_boss;
SELECT usom.current_org();
SELECT usom.place_order('{"lines": [{"sku": "ACC-1", "quantity": 1}]}');
SELECT * FROM usom.orders;
SELECT version() <> '' AS still_there, count(*) > 10 AS codes FROM usom.error_codes();
RESET ROLE;

-- the order desk writes by verbs, without a right on any table that they write
SET ROLE usom_test_agent;
SELECT order_no, status FROM usom.place_order('{"external_id": "ACC-1", "channel": "phone", "lines": [{"sku": "ACC-1", "quantity": 2}]}') \gset phone_
SELECT :'phone_status' AS status, (SELECT status FROM usom.cancel_line(:'phone_order_no', 1, 1, 'one is enough')) AS after;
SELECT quantity, quantity_reserved FROM usom.order_lines WHERE order_no = :'phone_order_no';
INSERT INTO usom.stock (org_id, product_id, location_id) VALUES (1, 1, 1);
UPDATE usom.stock SET on_hand = 1000;
UPDATE usom.sales_order SET status = 'cancelled' WHERE order_no = :'phone_order_no';
SELECT status FROM usom.orders WHERE order_no = :'phone_order_no';
SELECT usom.adjust_stock('ACC-SHELF', 'ACC-1', 5, 'found');
SET usom.org = 'access_de';
SELECT usom.current_org();
SELECT count(*) FROM usom.orders;
SET usom.org = 'atlantis';
SELECT usom.current_org();
RESET usom.org;
RESET ROLE;
SELECT active_role, verb FROM usom.audit_entry WHERE table_name = 'order_line' ORDER BY audit_entry_id DESC LIMIT 1;

-- a channel sees and writes its own orders
SET ROLE usom_test_web;
SELECT order_no FROM usom.place_order('{"external_id": "ACC-2", "channel": "web", "lines": [{"sku": "ACC-1", "quantity": 2}]}') \gset web_
SELECT usom.place_order('{"external_id": "ACC-3", "channel": "phone", "lines": [{"sku": "ACC-1", "quantity": 2}]}');
SELECT outcome, sqlstate, message FROM usom.place_orders('[{"channel": "web", "lines": [{"sku": "ACC-1", "quantity": 1}]}, {"channel": "pos", "lines": [{"sku": "ACC-1", "quantity": 1}]}]');
SELECT DISTINCT channel FROM usom.orders;
SELECT count(*) > 0 AS some, bool_and(o.channel_id = usom.channel_id('web')) AS own FROM usom.sales_order o;
SELECT count(*) > 0 AS some, bool_and(o.channel_id = usom.channel_id('web')) AS own
FROM usom.order_line l LEFT JOIN usom.sales_order o USING (org_id, sales_order_id);
SELECT count(*) > 0 AS some, bool_and(o.channel_id = usom.channel_id('web')) AS own
FROM usom.fulfillment_line f LEFT JOIN usom.sales_order o USING (org_id, sales_order_id);
-- as if there were no such order
\set VERBOSITY sqlstate
SELECT usom.cancel_order(:'phone_order_no', 'not mine');
SELECT usom.cancel_order('SO-XXXXXX', 'not there');
\set VERBOSITY default
SELECT status FROM usom.cancel_order(:'web_order_no', 'mine');
UPDATE usom.sales_order SET priority = 1 WHERE external_id = 'ACC-1';
INSERT INTO usom.sales_order (order_no, channel_id, status) VALUES ('ACC-P', usom.channel_id('phone'), 'draft');
INSERT INTO usom.sales_order (order_no, channel_id, status) VALUES ('ACC-W', usom.channel_id('web'), 'draft') RETURNING order_no;
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity)
SELECT sales_order_id, 1, usom.product_id('ACC-1'), 1 FROM usom.sales_order WHERE order_no = 'ACC-W';
UPDATE usom.sales_order SET status = 'submitted' WHERE order_no = 'ACC-W' RETURNING status;
UPDATE usom.sales_order SET channel_id = usom.channel_id('phone') WHERE order_no = 'ACC-W';
RESET ROLE;
SELECT usom.grant_access('usom_test_web', 'channel', channel => 'phone');
SET ROLE usom_test_web;
SELECT DISTINCT channel FROM usom.orders ORDER BY 1;
RESET ROLE;
SELECT usom.revoke_access('usom_test_web', 'channel', channel => 'web');
SET ROLE usom_test_web;
SELECT DISTINCT channel FROM usom.orders ORDER BY 1;
RESET ROLE;

-- profiles are the role's: the same in all organisations
SELECT usom.grant_access('usom_test_agent', 'bi', 'access_de');
SET ROLE usom_test_agent;
SELECT usom.current_org();
SET usom.org = 'access_de';
SELECT usom.current_org();
RESET usom.org;
RESET ROLE;
SELECT usom.revoke_access('usom_test_agent', 'bi', 'access_de');
SET ROLE usom_test_agent;
SELECT usom.current_org() = 1 AS again;
RESET ROLE;

-- members of a group have its access, inside SECURITY DEFINER functions of others both sides need it
SELECT usom.grant_access('usom_test_team', 'bi');
GRANT usom_test_team TO usom_test_boss;
SET ROLE usom_test_boss;
SELECT count(*) > 0 AS sees FROM usom.orders;
RESET ROLE;
GRANT CREATE ON SCHEMA public TO usom_test_prices;
SET ROLE usom_test_prices;
CREATE FUNCTION public.usom_test_peek(org text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
	AS $$ BEGIN PERFORM set_config('usom.org', org, true); RETURN (SELECT count(*) FROM usom.channel WHERE code IN ('web', 'pos', 'phone', 'rep', 'edi', 'marketplace', 'manual')); END $$;
SELECT usom_test_peek('main');
RESET ROLE;
SELECT usom_test_peek('main');
SELECT usom_test_peek('access_de');
SET ROLE usom_test_web;
SELECT usom_test_peek('main');
RESET ROLE;
DROP FUNCTION public.usom_test_peek(text);
REVOKE CREATE ON SCHEMA public FROM usom_test_prices;
REVOKE usom_test_team FROM usom_test_boss;
SET ROLE usom_test_boss;
SELECT count(*) FROM usom.orders;
RESET ROLE;

-- who writes prices approves nothing, whichever way
SELECT usom.grant_access('usom_test_prices', 'manager');
SELECT :'LAST_ERROR_SQLSTATE' = 'US903' AS separated;
GRANT usom_test_prices TO usom_test_boss;
SELECT usom.grant_access('usom_test_boss', 'manager');
REVOKE usom_test_prices FROM usom_test_boss;
SELECT usom.grant_access('usom_test_boss', 'manager');
SELECT usom.grant_access('usom_test_team', 'manager');
GRANT usom_test_team TO usom_test_prices;
SET ROLE usom_test_prices;
INSERT INTO usom.price (sku, unit_price) VALUES ('ACC-1', 1);
SELECT usom.verify();
RESET ROLE;
SELECT "check", detail FROM usom.doctor() WHERE NOT ok;
REVOKE usom_test_team FROM usom_test_prices;
SET ROLE usom_test_prices;
INSERT INTO usom.price (sku, unit_price) VALUES ('ACC-1', 1);
RESET ROLE;
SET ROLE usom_test_boss;
INSERT INTO usom.price (sku, unit_price, valid_from) VALUES ('ACC-1', 1, now());
RESET ROLE;

-- break-glass: by SET ROLE alone, with a reason, not into ledgers
SET ROLE usom_test_glass;
SELECT usom.current_org();
UPDATE usom.stock SET safety = 1;
RESET ROLE;
SET SESSION AUTHORIZATION usom_test_glass;
SET ROLE usom_break_glass;
UPDATE usom.stock AS s SET safety = 1 FROM usom.product p WHERE p.sku = 'ACC-1' AND (s.org_id, s.product_id) = (p.org_id, p.product_id);
SELECT :'LAST_ERROR_SQLSTATE' = 'US902' AS reason_wanted;
SET usom.reason = 'the safety was lost';
UPDATE usom.stock AS s SET safety = 1 FROM usom.product p WHERE p.sku = 'ACC-1' AND (s.org_id, s.product_id) = (p.org_id, p.product_id);
UPDATE usom.sales_order SET status = 'confirmed' WHERE order_no = :'web_order_no';
UPDATE usom.sales_order SET status = 'cancelled' WHERE order_no = :'web_order_no';
UPDATE usom.order_line SET quantity_cancelled = 1, quantity_open = 1 WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE order_no = :'web_order_no');
UPDATE usom.order_line SET quantity_cancelled = 2, quantity_open = 0 WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE order_no = :'web_order_no');
INSERT INTO usom.stock_movement (org_id, product_id, location_id, kind, delta) VALUES (1, 1, 1, 'count', 1);
UPDATE usom.order_history SET reason = 'other';
DELETE FROM usom.access;
TRUNCATE usom.stock;
SET usom.org = 'access_de';
SELECT usom.current_org();
RESET usom.org;
-- what it writes about people is sealed, too
UPDATE usom.sales_order SET instructions = 'call Anna' WHERE order_no = :'web_order_no' RETURNING instructions LIKE 'usom1:%' AS sealed;
RESET usom.reason;
RESET ROLE;
RESET SESSION AUTHORIZATION;
SELECT table_name, session_role, active_role, reason FROM usom.audit_entry WHERE active_role = 'usom_break_glass' ORDER BY audit_entry_id;
SELECT event, from_status, to_status, reason FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id)
WHERE o.order_no = :'web_order_no' ORDER BY h.version;
SELECT * FROM usom.verify() WHERE entity LIKE '%' || :'web_order_no' || '%';

-- nobody writes usom.access by hand
INSERT INTO usom.access (role, profile) VALUES ('usom_test_boss', 'auditor');
DELETE FROM usom.access;
SELECT operation, verb, session_role = session_user AS by_me FROM usom.audit_entry WHERE table_name = 'access' ORDER BY audit_entry_id LIMIT 1;

-- a role that is gone is known to doctor(), and can still be taken off the list
SELECT usom.revoke_access('usom_test_team', 'manager');
REVOKE usom_bi FROM usom_test_team;
DROP ROLE usom_test_team;
SELECT "check", detail FROM usom.doctor() WHERE NOT ok;
SELECT usom.revoke_access('usom_test_team', 'bi');
SELECT usom.revoke_access(role, profile, 'main') FROM (SELECT DISTINCT role, profile FROM usom.access WHERE role LIKE 'usom\_test\_%') a;
SELECT count(*) AS memberships FROM pg_auth_members WHERE member::regrole::text LIKE 'usom_test_%';
DROP ROLE usom_test_agent, usom_test_web, usom_test_prices, usom_test_boss, usom_test_glass;
