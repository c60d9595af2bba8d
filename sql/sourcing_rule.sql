-- Sourcing rules: what is refused when it is written, and which rule a line gets.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
INSERT INTO usom.location (code, kind) VALUES ('RUL-A', 'warehouse'), ('RUL-S', 'store');
INSERT INTO usom.product (sku, category) VALUES ('RUL-1', 'lamps'), ('RUL-2', NULL);
INSERT INTO usom.customer (code) VALUES ('RUL-C');
INSERT INTO usom.service_level (code) VALUES ('RUL-STD');

-- the code alone is enough: a rule for everything
INSERT INTO usom.sourcing_rule (code, priority) VALUES ('RUL-ALL', 900);
SELECT * FROM usom.sourcing_rules WHERE rule = 'RUL-ALL' \gx

-- codes that nobody has: US006
INSERT INTO usom.sourcing_rule (code, locations) VALUES ('RUL-X', '{RUL-A,RUL-Z}');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
INSERT INTO usom.sourcing_rule (code, excluded_locations) VALUES ('RUL-X', '{RUL-Z}');
INSERT INTO usom.sourcing_rule (code, channels) VALUES ('RUL-X', '{telex}');
INSERT INTO usom.sourcing_rule (code, customers) VALUES ('RUL-X', '{RUL-Z}');
INSERT INTO usom.sourcing_rule (code, skus) VALUES ('RUL-X', '{RUL-Z}');
INSERT INTO usom.sourcing_rule (code, service_level) VALUES ('RUL-X', 'RUL-Z');
INSERT INTO usom.sourcing_rule (code, when_short, next_rule) VALUES ('RUL-X', 'next_rule', 'RUL-Z');
UPDATE usom.sourcing_rule SET locations = '{RUL-Z}' WHERE code = 'RUL-ALL';
-- filters that nothing passes
INSERT INTO usom.sourcing_rule (code, channels) VALUES ('RUL-X', '{}');
INSERT INTO usom.sourcing_rule (code, channels) VALUES ('RUL-X', '{web,NULL}');
INSERT INTO usom.sourcing_rule (code, customers) VALUES ('RUL-X', '{}');
INSERT INTO usom.sourcing_rule (code, countries) VALUES ('RUL-X', '{}');
INSERT INTO usom.sourcing_rule (code, countries) VALUES ('RUL-X', '{DE,deu}');
INSERT INTO usom.sourcing_rule (code, countries) VALUES ('RUL-X', '{DE,NULL}');
INSERT INTO usom.sourcing_rule (code, order_types) VALUES ('RUL-X', '{}');
INSERT INTO usom.sourcing_rule (code, skus) VALUES ('RUL-X', '{}');
INSERT INTO usom.sourcing_rule (code, categories) VALUES ('RUL-X', '{}');
INSERT INTO usom.sourcing_rule (code, locations) VALUES ('RUL-X', '{}');
INSERT INTO usom.sourcing_rule (code, excluded_locations) VALUES ('RUL-X', '{}');
INSERT INTO usom.sourcing_rule (code, location_kinds) VALUES ('RUL-X', '{garage}');
INSERT INTO usom.sourcing_rule (code, location_kinds) VALUES ('RUL-X', '{}');
-- costs and limits below what there is
INSERT INTO usom.sourcing_rule (code, shipment_cost) VALUES ('RUL-X', -0.01);
INSERT INTO usom.sourcing_rule (code, distance_cost) VALUES ('RUL-X', -1);
INSERT INTO usom.sourcing_rule (code, late_cost) VALUES ('RUL-X', 'NaN');
INSERT INTO usom.sourcing_rule (code, most_shipments) VALUES ('RUL-X', 0);
INSERT INTO usom.sourcing_rule (code, most_parts) VALUES ('RUL-X', -1);
INSERT INTO usom.sourcing_rule (code, smallest_part) VALUES ('RUL-X', 0);
INSERT INTO usom.sourcing_rule (code, most_distance) VALUES ('RUL-X', 'NaN');
INSERT INTO usom.sourcing_rule (code, most_distance) VALUES ('RUL-X', -1);
INSERT INTO usom.sourcing_rule (code, location_order) VALUES ('RUL-X', 'nearest');
INSERT INTO usom.sourcing_rule (code, location_order) VALUES ('RUL-X', 'listed');
INSERT INTO usom.sourcing_rule (code, when_short) VALUES ('RUL-X', 'cancel');
INSERT INTO usom.sourcing_rule (code, next_rule) VALUES ('RUL-X', 'RUL-ALL');
INSERT INTO usom.sourcing_rule (code) VALUES ('');
INSERT INTO usom.sourcing_rule (code) VALUES ('RUL-ALL');
INSERT INTO usom.sourcing_rule (code, name) VALUES ('RUL-X', 'pay with 4111 1111 1111 1111');
DELETE FROM usom.sourcing_rule;
UPDATE usom.sourcing_rule SET code = 'RUL-Y';
\set VERBOSITY default
-- what contradicts itself: US302
INSERT INTO usom.sourcing_rule (code, locations, excluded_locations) VALUES ('RUL-X', '{RUL-A,RUL-S}', '{RUL-S}');
\echo :LAST_ERROR_SQLSTATE
-- chains that come back to where they were
INSERT INTO usom.sourcing_rule (code, when_short, next_rule) VALUES ('RUL-X', 'next_rule', 'RUL-X');
INSERT INTO usom.sourcing_rule (code, when_short, next_rule) VALUES ('RUL-3', 'next_rule', 'RUL-ALL');
INSERT INTO usom.sourcing_rule (code, when_short, next_rule) VALUES ('RUL-2', 'next_rule', 'RUL-3');
INSERT INTO usom.sourcing_rule (code, when_short, next_rule) VALUES ('RUL-1', 'next_rule', 'RUL-2');
UPDATE usom.sourcing_rule SET when_short = 'next_rule', next_rule = 'RUL-1' WHERE code = 'RUL-ALL';
\echo :LAST_ERROR_SQLSTATE
UPDATE usom.sourcing_rule SET when_short = 'next_rule', next_rule = 'RUL-2' WHERE code = 'RUL-ALL';
UPDATE usom.sourcing_rule SET next_rule = 'RUL-3' WHERE code = 'RUL-1';
SELECT code, when_short, next_rule FROM usom.sourcing_rule WHERE code LIKE 'RUL-%' ORDER BY code;
UPDATE usom.sourcing_rule SET active = false WHERE code ~ '^RUL-[123]$';

-- which rules a line passes, in the order in which they are asked
INSERT INTO usom.sourcing_rule (code, priority, channels) VALUES ('RUL-WEB', 20, '{web,marketplace}');
INSERT INTO usom.sourcing_rule (code, priority, skus, location_kinds, location_order, locations) VALUES ('RUL-SKU', 10, '{RUL-1}', '{store}', 'listed', '{RUL-S,RUL-A}');
INSERT INTO usom.sourcing_rule (code, priority, categories, countries) VALUES ('RUL-CAT', 20, '{lamps}', '{DE,AT}');
INSERT INTO usom.sourcing_rule (code, priority, customers, order_types, service_level) VALUES ('RUL-VIP', 5, '{RUL-C}', '{standard}', 'RUL-STD');
INSERT INTO usom.sourcing_rule (code, priority, active) VALUES ('RUL-OFF', 1, false);
CREATE FUNCTION pg_temp.rules(VARIADIC cases text[]) RETURNS TABLE (line integer, rules text) LANGUAGE sql AS $$
	SELECT m.ordinal, string_agg(r.code, ' ' ORDER BY m.place)
	FROM usom._matching_rule(cases::usom._rule_case[]) m JOIN usom.sourcing_rule r USING (sourcing_rule_id) GROUP BY 1 ORDER BY 1
$$;
SELECT * FROM pg_temp.rules('(1,manual,,,standard,RUL-2,)', '(2,web,,,standard,RUL-2,)', '(3,web,RUL-C,DE,standard,RUL-1,lamps)', '(4,web,RUL-C,DE,exchange,RUL-1,lamps)',
	'(5,phone,,AT,standard,,lamps)', '(6,phone,,CH,standard,,lamps)', '(7,,,,,,)');
UPDATE usom.sourcing_rule SET active = false WHERE code = 'RUL-ALL';
SELECT * FROM pg_temp.rules('(1,manual,,,standard,RUL-2,)');
ROLLBACK;
