-- The public contract: names, arguments, defaults, result columns, views,
-- comments, privileges.  A name or a shape that changes here breaks a client.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\pset pager off
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS usom;
SELECT count(*) FROM usom.install() \g /dev/null
SET LOCAL search_path = public, pg_temp;
SELECT no_plan();

-- ---- functions ----

-- Arguments as declared; what stands behind "..." may be more, with defaults.
CREATE TEMP TABLE contract (name text PRIMARY KEY, arguments text, result text);
INSERT INTO contract VALUES
	('install', 'owner name DEFAULT ''usom_owner''::name', NULL),
	('upgrade', 'dry_run boolean DEFAULT false', NULL),
	('version', '', 'text'),
	('doctor', '', 'TABLE("check" text, ok boolean, detail text, hint text)'),
	('demo', 'orders integer DEFAULT 120', NULL),
	('demo_remove', '', NULL),
	('help', 'topic text DEFAULT NULL::text', NULL),
	('place_order', 'document jsonb', 'TABLE(order_no text, status text, total numeric, currency text, quantity_reserved numeric, quantity_backordered numeric, promised_at timestamp with time zone, messages jsonb)'),
	('place_orders', 'documents jsonb', 'TABLE(ordinal integer, external_id text, outcome text, order_no text, sqlstate text, message text)'),
	('quote', 'document jsonb', 'jsonb'),
	('submit_order', 'order_no text', NULL),
	('confirm_order', 'order_no text', NULL),
	('close_order', 'order_no text', NULL),
	('cancel_order', 'order_no text, reason text', NULL),
	('cancel_line', 'order_no text, line_no integer, quantity numeric, reason text', NULL),
	('change_order', 'order_no text, changes jsonb, version integer DEFAULT NULL::integer, reason text DEFAULT NULL::text', NULL),
	('hold_order', 'order_no text, hold_type text, reason text, expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone', NULL),
	('release_hold', 'order_no text, hold_type text, reason text', NULL),
	('receive_stock', 'location text, sku text, quantity numeric, lot text DEFAULT NULL::text, reference text DEFAULT NULL::text', NULL),
	('adjust_stock', 'location text, sku text, delta numeric, reason text', NULL),
	('count_stock', 'location text, sku text, counted numeric', NULL),
	('reserve_stock', 'owner text, location text, sku text, quantity numeric, ttl interval', 'bigint'),
	('release_stock', 'reservation_id bigint', NULL),
	('available', 'sku text, location text DEFAULT NULL::text', 'numeric'),
	('allocate_order', 'order_no text', NULL),
	('fill_backorders', 'sku text DEFAULT NULL::text', NULL),
	('release_order', 'order_no text', NULL),
	('ship', 'order_no text, lines jsonb DEFAULT NULL::jsonb, carrier text DEFAULT NULL::text, tracking text DEFAULT NULL::text, service text DEFAULT NULL::text, packages text[] DEFAULT NULL::text[]', 'text'),
	('deliver', 'shipment_no text, at timestamp with time zone DEFAULT now()', NULL),
	('authorize_return', 'order_no text, lines jsonb, reason text', 'text'),
	('receive_return', 'return_no text, lines jsonb', NULL),
	('explain_status', 'order_no text', NULL),
	('order_timeline', 'order_no text', NULL),
	('verify', '', NULL),
	('order_lifecycle', '', NULL),
	('lifecycle_dot', 'entity text', 'text'),
	('next_id', '', 'bigint'),
	('error_codes', '', NULL),
	('find_customers', 'contact text', 'TABLE(customer text)'),
	('export_customer', 'customer text', 'jsonb'),
	('erase_customer', 'customer text, reason text', NULL),
	('erase_order_person', 'order_no text, reason text', NULL),
	('grant_access', 'role name, profile text, organisation text DEFAULT NULL::text, channel text DEFAULT NULL::text', 'void'),
	('revoke_access', 'role name, profile text, organisation text DEFAULT NULL::text, channel text DEFAULT NULL::text', 'void');

SELECT is((SELECT count(*) FROM pg_proc WHERE pronamespace = 'usom'::regnamespace AND proname = c.name), 1::bigint, format('usom.%s() is there, once', c.name))
FROM contract c ORDER BY c.name;
SELECT ok(left(pg_get_function_arguments(p.oid), length(c.arguments)) = c.arguments, format('usom.%s(%s)', c.name, c.arguments))
FROM contract c LEFT JOIN pg_proc p ON p.pronamespace = 'usom'::regnamespace AND p.proname = c.name ORDER BY c.name;
SELECT is(pg_get_function_result(p.oid), c.result, format('usom.%s() returns what clients read', c.name))
FROM contract c LEFT JOIN pg_proc p ON p.pronamespace = 'usom'::regnamespace AND p.proname = c.name WHERE c.result IS NOT NULL ORDER BY c.name;
-- More arguments may follow, if a call without them still works.
SELECT cmp_ok((p.pronargs - p.pronargdefaults)::bigint, '<=', (SELECT count(*) FROM regexp_split_to_table(c.arguments, ', ') AS a WHERE a !~ 'DEFAULT'), format('usom.%s() needs no other arguments', c.name))
FROM contract c JOIN pg_proc p ON p.pronamespace = 'usom'::regnamespace AND p.proname = c.name ORDER BY c.name;

-- What applications call: not the inside, not what belongs to a type, not triggers.
CREATE TEMP VIEW application AS
	SELECT p.oid, p.proname, p.prosecdef, p.proconfig, p.provolatile, p.proparallel, p.proisstrict, p.prorettype, coalesce(p.proallargtypes, p.proargtypes::oid[]) AS types
	FROM pg_proc p
	WHERE p.pronamespace = 'usom'::regnamespace AND p.prokind IN ('f', 'p') AND p.proname !~ '^_'
		AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
		AND NOT EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = 'usom'::regnamespace AND p.proname ~ ('^' || t.typname || '_(in|out|recv|send|eq|ne|lt|le|gt|ge|cmp|hash|hash_extended|larger|smaller)$'));
SELECT cmp_ok((SELECT count(*) FROM application), '>=', 36::bigint, 'the functions for applications are found');
SELECT is_empty($$SELECT proname FROM application GROUP BY 1 HAVING count(*) > 1$$, 'no function for applications is overloaded');
SELECT is_empty($$SELECT a.proname, t::regtype FROM application a, unnest(a.types || a.prorettype) t
	WHERE t NOT IN ('text'::regtype, 'numeric'::regtype, 'integer'::regtype, 'bigint'::regtype, 'boolean'::regtype, 'timestamptz'::regtype, 'interval'::regtype, 'jsonb'::regtype, 'name'::regtype, 'void'::regtype, 'record'::regtype, 'text[]'::regtype)
		AND (a.proname, t) <> ('ration', 'numeric[]'::regtype)$$,
	'functions for applications take and return plain types');
SELECT is_empty($$SELECT a.proname FROM application a WHERE 'name'::regtype = ANY (types) AND proname NOT IN ('install', 'grant_access', 'revoke_access')$$, 'only install() and what is about roles takes a name');
-- Two are called by defaults of columns, for every row, and look nothing up by name; a procedure with a SET clause could not commit.
SELECT is_empty($$SELECT a.proname FROM application a WHERE a.proname NOT IN ('next_id', 'current_org', 'tick', 'allocate_orders', 'retry_inbox', 'load_orders', 'load_history') AND NOT EXISTS (SELECT FROM unnest(a.proconfig) c WHERE c = 'search_path=pg_catalog, usom, pg_temp')$$, 'each has its search_path fixed');
SELECT is_empty($$SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'usom'::regnamespace AND p.prosecdef AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=pg_catalog%pg_temp')$$,
	'each SECURITY DEFINER function has its search_path fixed');
SELECT is_empty($$SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'usom'::regnamespace AND p.prosecdef AND has_function_privilege('public', p.oid, 'EXECUTE')$$, 'no SECURITY DEFINER function is for everybody');
SELECT is_empty($$SELECT c.name FROM contract c JOIN application a ON a.proname = c.name
	WHERE c.name ~ '^(place|submit|confirm|close|cancel|change|hold|release|receive|adjust|count|reserve|allocate|fill|ship|deliver|authorize|erase|install|upgrade|demo)' AND (a.provolatile <> 'v' OR a.proparallel <> 'u')$$,
	'what writes is volatile and never parallel');
-- Whoever writes a line runs the check of its counters; an outsider checks proofs.
SELECT is_empty($$SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'usom'::regnamespace AND p.proname ~ '^_' AND p.proname NOT IN ('_check_installed', '_sees_channel', '_sees_order', '_sees_return', '_check_card', '_audit_rows', '_adds_up', '_status_text', '_piece_is_sound', '_stock_is_sound', '_pick_task_sound', '_check_order_type', '_check_currency', '_is_sealed', '_open', '_merkle_climb', '_merkle_is_consistent', '_block_digest', '_from_hex', '_text_range', '_text_multirange', '_rule_range', '_refuse_price_codes', '_refuse_overlap', '_refuse_no_time', '_queue_exists', '_in_queue', '_check_queue', '_unit_of')
	AND has_function_privilege('public', p.oid, 'EXECUTE') AND p.prorettype <> 'trigger'::regtype$$, 'what is inside is not for everybody');
SELECT is_empty($$SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'usom'::regnamespace AND p.proname ~ '^_' AND has_function_privilege('public', p.oid, 'EXECUTE') AND p.prorettype = 'trigger'::regtype$$,
	'nor are the trigger functions');
SELECT is_empty($$SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'usom'::regnamespace AND p.proname IN ('install', 'upgrade', 'doctor') AND has_function_privilege('public', p.oid, 'EXECUTE')$$,
	'install(), upgrade() and doctor() are for superusers');
SELECT is_empty($$SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'usom'::regnamespace AND p.proleakproof AND p.prolang <> (SELECT oid FROM pg_language WHERE lanname = 'internal') AND p.proname <> '_status_text'$$,
	'nothing is leakproof that could raise with its argument: what is not PostgreSQL''s own has no error in it');

-- ---- tables and views ----

SELECT has_table('usom'::name, t::name, format('table usom.%s', t)) FROM unnest(ARRAY['organisation', 'channel', 'customer', 'customer_address', 'product', 'kit_component', 'price', 'location', 'stock', 'stock_movement', 'reservation',
	'sales_order', 'order_line', 'fulfillment_line', 'hold', 'hold_type', 'order_history', 'shipment', 'return_order', 'return_line', 'return_piece', 'return_rule', 'audit_entry', 'document_counter', 'address', 'vault_key', 'vault_index', 'erasure', 'retention', 'supply', 'event', 'exception_case',
	'substitute', 'line_substitution', 'stock_interest', 'stock_stripe']) AS t;
CREATE TEMP TABLE shown (name text, columns text);
INSERT INTO shown VALUES
	('orders', 'order_no status status_group channel external_id customer currency total priority placed_at promised_at'),
	('order_lines', 'order_no line_no sku status quantity unit_price total quantity_reserved quantity_backordered quantity_shipped quantity_delivered quantity_cancelled quantity_returned'),
	('order_pieces', 'order_no line_no piece_no sku location status quantity promised_at shipment_no'),
	('backorders', 'order_no line_no sku quantity'),
	('stock_position', 'sku location on_hand reserved safety available incoming'),
	('holds', 'order_no line_no hold_type reason blocks expires_at active'),
	('shipments', 'shipment_no order_no location carrier tracking status shipped_at delivered_at'),
	('returns', 'return_no order_no status'),
	('timeline', 'order_no'),
	('substitutions', 'substitution_id order_no line_no sku quantity substitute_sku substitute_quantity unit_price status'),
	('kits', 'kit name policy component kind quantity active'),
	('events', 'order_no event_no kind payload occurred_at'),
	('supplies', 'supply_no kind location sku quantity received pegged free expected_at confidence status'),
	('exceptions', 'exception_id kind order_no line_no message detail due_at open'),
	('order_statuses', 'status'),
	('customers', 'customer name email phone active'),
	('addresses', 'customer address_no name line1 line2 postcode city region country latitude longitude');
SELECT has_view('usom'::name, name::name, format('view usom.%s', name)) FROM shown;
SELECT has_column('usom'::name, name::name, c::name, format('usom.%s.%s', name, c)) FROM shown, unnest(string_to_array(columns, ' ')) AS c;
SELECT is_empty($$SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('v', 'm') AND c.relname !~ '^_' AND a.atttypid NOT IN ('text'::regtype, 'int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype, 'boolean'::regtype,
		'date'::regtype, 'timestamptz'::regtype, 'jsonb'::regtype, 'uuid'::regtype, 'text[]'::regtype)$$, 'views show plain types');
SELECT is_empty($$SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('v', 'm') AND a.attnum > 0 AND a.atttypmod <> -1$$,
	'and none of a length');
SELECT results_eq($$SELECT status FROM usom.order_statuses$$, ARRAY['draft', 'submitted', 'confirmed', 'processing', 'partially_shipped', 'shipped', 'delivered', 'closed', 'cancelled', 'rejected'], 'the statuses of an order');
SELECT is((SELECT string_agg(DISTINCT s, ' ' ORDER BY s) FROM usom.piece_lifecycle() l, unnest(ARRAY[l.from_status, l.to_status]) s), 'backordered cancelled delivered open packed picked released reserved returned shipped', 'the statuses of a piece');
SELECT results_eq($$SELECT code FROM usom.channel ORDER BY 1$$, ARRAY['edi', 'manual', 'marketplace', 'phone', 'pos', 'rep', 'web'], 'the channels that stand after install()');
SELECT is(usom.current_org(), (SELECT org_id FROM usom.organisation WHERE code = 'main'), 'the organisation is main');
-- The code alone is enough.
SELECT lives_ok(format('INSERT INTO usom.%I (%I) VALUES (%L)', t, c, 'TAP-CODE'), format('usom.%s takes its %s alone', t, c)) FROM (VALUES ('channel', 'code'), ('customer', 'code'), ('product', 'sku'), ('location', 'code'), ('organisation', 'code')) AS m (t, c);

-- ---- keys and constraints ----

SELECT is_empty($$SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname !~ '^_' AND NOT EXISTS (
	SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid AND i.indisprimary AND a.attname = 'org_id')$$, 'org_id leads every primary key');
SELECT is_empty($$SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
	WHERE c.relnamespace = 'usom'::regnamespace AND i.indisunique AND c.relname !~ '^_' AND a.attname IS DISTINCT FROM 'org_id' AND NOT (c.relname = 'organisation')$$, 'and every unique index');
SELECT is_empty($$SELECT conrelid::regclass, conname FROM pg_constraint WHERE connamespace = 'usom'::regnamespace AND contype = 'f' AND (confdeltype NOT IN ('r', 'a') OR confupdtype NOT IN ('r', 'a'))$$, 'no foreign key cascades');
SELECT is_empty($$SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S') AND pg_get_userbyid(c.relowner) <> 'usom_owner' AND NOT EXISTS
	(SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')$$, 'what install() made belongs to usom_owner');
SELECT is((SELECT rolcanlogin OR rolsuper FROM pg_roles WHERE rolname = 'usom_owner'), false, 'who neither logs in nor is superuser');
-- Some complete or check what people write; rows that replication brings are complete and checked. A view takes no other triggers: without them nothing is written to it.
SELECT is_empty($$SELECT t.tgrelid::regclass, t.tgname, t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
	WHERE c.relnamespace = 'usom'::regnamespace AND NOT t.tgisinternal AND c.relkind <> 'v' AND t.tgenabled <> 'A' AND t.tgname NOT IN ('usom_furnish', 'usom_furnish_hold_types', 'usom_furnish_payment_methods', 'usom_switch_counter', 'usom_rule', 'usom_variant', 'usom_segment', 'usom_kit', 'usom_quota', 'usom_handling', 'usom_pre_order', 'usom_price_limit', 'usom_lot', 'usom_lot_added', 'usom_lot_changed', 'usom_service_work')$$, 'guards and audit fire always');
SELECT is_empty($$SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname !~ '^_' AND c.relname NOT IN ('audit_entry', 'audit_block', 'audit_head', 'order_history', 'stock_movement', 'vault_index')
	AND (SELECT count(*) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = c.oid AND p.proname = 'audit_statement') < 3$$, 'every business table that is no ledger is audited');

-- ---- comments ----

SELECT is_empty($$SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'S', 'p') AND obj_description(c.oid, 'pg_class') IS NULL$$, 'every table, view and sequence has a comment');
SELECT is_empty($$SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p') AND col_description(c.oid, a.attnum) IS NULL$$, 'every column has one');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'usom'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL$$, 'every function has one');
SELECT is_empty($$SELECT t.typname FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE t.typnamespace = 'usom'::regnamespace AND (t.typrelid = 0 OR c.relkind = 'c') AND t.typcategory <> 'A' AND obj_description(t.oid, 'pg_type') IS NULL$$, 'every type has one');
SELECT is_empty($$SELECT o.oid::regoperator FROM pg_operator o JOIN pg_type t ON t.oid = o.oprleft WHERE t.typnamespace = 'usom'::regnamespace AND obj_description(o.oid, 'pg_operator') IS NULL$$, 'every operator has one');
SELECT isnt(obj_description('usom'::regnamespace, 'pg_namespace'), NULL, 'the schema has one');
SELECT is_empty($$SELECT d.objoid, d.description FROM pg_description d WHERE d.description ~ '(^|\n)@' AND (d.objoid IN (SELECT oid FROM pg_class WHERE relnamespace = 'usom'::regnamespace) OR d.objoid IN (SELECT oid FROM pg_proc WHERE pronamespace = 'usom'::regnamespace))$$,
	'no line of a comment begins with @');
SELECT is_empty($$SELECT a.proname FROM application a WHERE obj_description(a.oid, 'pg_proc') !~ 'Example: '$$, 'every function for applications shows an example');

-- ---- settings ----

SELECT is_empty($$SELECT name FROM unnest(ARRAY['usom.org', 'usom.app_user', 'usom.reason', 'usom.node', 'usom.allow_drop']) AS s (name) WHERE name NOT IN (SELECT g.name FROM pg_settings g)$$, 'the settings are there');
SELECT * FROM finish();
ROLLBACK;
