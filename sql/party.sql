-- Organisations, channels, customers, products: master data in plain SQL.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on

-- what stands after install()
SELECT code, name, currency FROM usom.organisation;
SELECT code, active FROM usom.channel ORDER BY channel_id;
SELECT usom.current_org(), usom.default_currency();

-- the code alone is enough
INSERT INTO usom.product (sku) VALUES ('PARTY-A') RETURNING org_id, sku, name, kind, unit, active;
INSERT INTO usom.channel (code) VALUES ('fax') RETURNING org_id, code, active;
INSERT INTO usom.customer (code) VALUES ('PARTY-1') RETURNING org_id, code, active;
INSERT INTO usom.customer_address (customer_id, city) VALUES (usom.customer_id('PARTY-1'), 'London') RETURNING org_id, address_no, usom._is_sealed(city) AS sealed;
INSERT INTO usom.price (sku, unit_price) VALUES ('PARTY-A', 2.50) RETURNING org_id, currency, unit_price, valid_from;
\set VERBOSITY terse
INSERT INTO usom.product (sku) VALUES ('PARTY-A');
INSERT INTO usom.product (sku) VALUES ('');
\set VERBOSITY default

-- lookups by code: US006
SELECT usom.product_id('PARTY-A') = product_id AS product FROM usom.product WHERE sku = 'PARTY-A';
SELECT usom.channel_id('fax') = channel_id AS channel FROM usom.channel WHERE code = 'fax';
SELECT usom.channel_id(NULL) IS NULL AS no_channel;
SELECT usom.channel_id('telex');
\echo :LAST_ERROR_SQLSTATE
SELECT usom.customer_id('nobody''s');
SELECT usom.product_id('PARTY-Z');

-- retired, not deleted: US005
UPDATE usom.product SET active = false, name = 'Lamp' WHERE sku = 'PARTY-A' RETURNING sku, name, active;
DELETE FROM usom.product WHERE sku = 'PARTY-A';
\echo :LAST_ERROR_SQLSTATE
UPDATE usom.product SET sku = 'PARTY-B' WHERE sku = 'PARTY-A';
-- What is held in stock stays so.
INSERT INTO usom.product (sku, kind) VALUES ('PARTY-POST', 'service');
UPDATE usom.product SET kind = 'service' WHERE sku = 'PARTY-A';
UPDATE usom.product SET kind = 'physical' WHERE sku = 'PARTY-POST';
INSERT INTO usom.product (sku, kind) VALUES ('PARTY-POST', 'physical') ON CONFLICT (org_id, sku) DO UPDATE SET kind = excluded.kind;
UPDATE usom.product SET kind = kind, unit = 'parcel' WHERE sku = 'PARTY-POST' RETURNING sku, kind, unit;
UPDATE usom.customer SET customer_id = 1 WHERE code = 'PARTY-1';
DELETE FROM usom.organisation;
\set VERBOSITY terse
TRUNCATE usom.product;
\set VERBOSITY default

-- another organisation sees its own only
INSERT INTO usom.organisation (code, currency) VALUES ('other', 'GBP');
SET LOCAL usom.org = 'other';
SELECT usom.default_currency(), usom.current_org() = org_id AS caller FROM usom.organisation WHERE code = 'other';
SELECT usom.product_id('PARTY-A');
INSERT INTO usom.product (sku) VALUES ('PARTY-A') RETURNING org_id = usom.current_org() AS own;
SELECT usom.next_document_no('order') ~ '^SO-' AS numbered, usom.channel_id('manual') IS NOT NULL AS furnished;
SET LOCAL usom.org = 'nobody';
SELECT usom.current_org();
\echo :LAST_ERROR_SQLSTATE
SET LOCAL usom.org = 'main';
SELECT usom.current_org();

-- document numbers
SELECT usom.next_document_no('order') ~ '^SO-[0-9]{6}$' AS "order", usom.next_document_no('shipment') ~ '^SH-[0-9]{6}$' AS shipment,
	usom.next_document_no('return') ~ '^RT-[0-9]{6}$' AS "return";
SELECT usom.next_document_no('order') < usom.next_document_no('order') AS ascending;
UPDATE usom.document_counter SET gap_free = true, last_value = 499999, prefix = 'G', digits = 4 WHERE kind = 'order';
SELECT usom.next_document_no('order');
SAVEPOINT lost;
SELECT usom.next_document_no('order');
ROLLBACK TO lost;
SELECT usom.next_document_no('order');
SELECT usom.next_document_no('invoice');
DELETE FROM usom.document_counter;

-- an organisation of a rolled-back transaction is not remembered
SAVEPOINT lost;
INSERT INTO usom.organisation (code) VALUES ('brief');
SET LOCAL usom.org = 'brief';
SELECT usom.current_org() > 0 AS found;
ROLLBACK TO lost;
SET LOCAL usom.org = 'brief';
SELECT usom.current_org();
ROLLBACK;
\set ON_ERROR_ROLLBACK off
SHOW usom.org;
