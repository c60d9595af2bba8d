-- step 1
CREATE TABLE usom.organisation (
	org_id bigint NOT NULL DEFAULT usom.next_id() PRIMARY KEY,
	code text NOT NULL CONSTRAINT organisation_code_given CHECK (code <> ''),
	name text,
	currency usom.currency_code NOT NULL DEFAULT 'EUR',
	fill_on_receipt boolean NOT NULL DEFAULT false,
	hot_stripes integer NOT NULL DEFAULT 64 CONSTRAINT organisation_hot_stripes_sane CHECK (hot_stripes BETWEEN 0 AND 256),
	hot_waiters integer NOT NULL DEFAULT 2 CONSTRAINT organisation_hot_waiters_positive CHECK (hot_waiters > 0),
	hot_for interval NOT NULL DEFAULT '1 hour' CONSTRAINT organisation_hot_for_not_negative CHECK (hot_for >= interval '0'),
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT organisation_code_unique UNIQUE (code)
);
COMMENT ON TABLE usom.organisation IS 'A company that sells. Every other row belongs to one.';
COMMENT ON COLUMN usom.organisation.org_id IS 'Key.';
COMMENT ON COLUMN usom.organisation.code IS 'What the setting usom.org names.';
COMMENT ON COLUMN usom.organisation.name IS 'Name for people.';
COMMENT ON COLUMN usom.organisation.currency IS 'ISO 4217 code of orders that name no currency.';
COMMENT ON COLUMN usom.organisation.fill_on_receipt IS 'On: what receive_stock() takes in goes to waiting lines in the same call; a product may say otherwise.';
COMMENT ON COLUMN usom.organisation.hot_stripes IS 'Stripes that tick() may divide the stock of a product into for which many wait; 0: none.';
COMMENT ON COLUMN usom.organisation.hot_waiters IS 'So many who wait for the stock of a product at a location at a moment, on the average, make it hot.';
COMMENT ON COLUMN usom.organisation.hot_for IS 'tick() merges the stripes that it made when they have served fewer than an order a second for so long.';
COMMENT ON COLUMN usom.organisation.created_at IS 'When the row was made.';

CREATE TABLE usom.channel (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	channel_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT channel_code_given CHECK (code <> ''),
	name text,
	pricing text NOT NULL DEFAULT 'document' CONSTRAINT channel_pricing_known CHECK (pricing IN ('document', 'list')),
	price_difference text NOT NULL DEFAULT 'accept' CONSTRAINT channel_price_difference_known CHECK (price_difference IN ('accept', 'warn', 'hold', 'refuse')),
	price_tolerance numeric(7,4) NOT NULL DEFAULT 0 CONSTRAINT channel_price_tolerance_percent CHECK (price_tolerance BETWEEN 0 AND 100),
	price_drift numeric(7,4) CONSTRAINT channel_price_drift_percent CHECK (price_drift BETWEEN 0 AND 100),
	invoice_on text NOT NULL DEFAULT 'never' CONSTRAINT channel_invoice_on_known CHECK (invoice_on IN ('never', 'ship', 'deliver')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, channel_id),
	CONSTRAINT channel_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.channel IS 'A way in which orders arrive: web, pos, phone, rep, edi, marketplace, manual.';
COMMENT ON COLUMN usom.channel.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.channel.channel_id IS 'Key.';
COMMENT ON COLUMN usom.channel.code IS 'What order documents name.';
COMMENT ON COLUMN usom.channel.name IS 'Name for people.';
COMMENT ON COLUMN usom.channel.pricing IS 'document: a price in the order document counts, the list serves lines without one; list: usom prices, and a price in the document is what the sender expects.';
COMMENT ON COLUMN usom.channel.price_tolerance IS 'Of pricing list: per cent of usom''s price that the expected one may be away from it without being another one.';
COMMENT ON COLUMN usom.channel.price_drift IS 'Of pricing list: per cent that list and contract prices may have moved from the agreed ones when an order is released; beyond, the order is put on hold (type price). Null: not looked at.';
COMMENT ON COLUMN usom.channel.price_difference IS 'Of pricing list, where the expected price is another one: accept, warn (a message), hold (type price) or refuse.';
COMMENT ON COLUMN usom.channel.invoice_on IS 'When the event invoice_wanted says what of its orders is to be invoiced: never, ship (units have left) or deliver (units have arrived).';
COMMENT ON COLUMN usom.channel.active IS 'Off: no new orders.';
COMMENT ON COLUMN usom.channel.created_at IS 'When the row was made.';

CREATE TABLE usom.customer (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	customer_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT customer_code_given CHECK (code <> ''),
	name text,
	email text,
	phone text,
	substitution usom.substitution NOT NULL DEFAULT 'none',
	segment text CONSTRAINT customer_segment_given CHECK (segment <> ''),
	tax_exemption text CONSTRAINT customer_tax_exemption_given CHECK (tax_exemption <> ''),
	blocked boolean NOT NULL DEFAULT false,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	erased_at timestamptz,
	PRIMARY KEY (org_id, customer_id),
	CONSTRAINT customer_code_unique UNIQUE (org_id, code),
	CONSTRAINT customer_is_sealed CHECK (usom._is_sealed(name) AND usom._is_sealed(email) AND usom._is_sealed(phone)),
	CONSTRAINT customer_erased_is_retired CHECK (erased_at IS NULL OR NOT active)
);
COMMENT ON TABLE usom.customer IS 'Who buys. An order without one is a guest''s. Written by plain SQL; what is written about the person is sealed on its way in: read it as usom.customers.';
COMMENT ON COLUMN usom.customer.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.customer.customer_id IS 'Key.';
COMMENT ON COLUMN usom.customer.code IS 'What order documents name: a pseudonym, no name or e-mail address.';
COMMENT ON COLUMN usom.customer.name IS 'Name for people; write it in clear, it is kept sealed.';
COMMENT ON COLUMN usom.customer.email IS 'Address for messages; write it in clear, it is kept sealed.';
COMMENT ON COLUMN usom.customer.phone IS 'Number for calls; write it in clear, it is kept sealed.';
COMMENT ON COLUMN usom.customer.substitution IS 'none or allowed: may other products take the place of what is short without asking? For lines of order documents that do not say.';
COMMENT ON COLUMN usom.customer.segment IS 'Group that quotas, priorities and runs may name; null: none.';
COMMENT ON COLUMN usom.customer.tax_exemption IS 'Why tax is another one than for others, as tax rates name it: resale, reverse_charge; null: no reason.';
COMMENT ON COLUMN usom.customer.blocked IS 'On: not served for now; what becomes of the orders the check customer says (usom.check_rule).';
COMMENT ON COLUMN usom.customer.active IS 'Off: no new orders.';
COMMENT ON COLUMN usom.customer.created_at IS 'When the row was made.';
COMMENT ON COLUMN usom.customer.erased_at IS 'When erase_customer() made the person unknown; null: never.';

CREATE TABLE usom.customer_address (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	customer_id bigint NOT NULL,
	address_no integer NOT NULL DEFAULT 1,
	name text,
	line1 text,
	line2 text,
	postcode text,
	city text,
	region text,
	country text CONSTRAINT customer_address_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	latitude double precision CONSTRAINT customer_address_latitude_on_earth CHECK (latitude BETWEEN -90 AND 90),
	longitude double precision CONSTRAINT customer_address_longitude_on_earth CHECK (longitude BETWEEN -180 AND 180),
	address_id bigint,
	PRIMARY KEY (org_id, customer_id, address_no),
	CONSTRAINT customer_address_is_sealed CHECK (usom._is_sealed(name) AND usom._is_sealed(line1) AND usom._is_sealed(line2) AND usom._is_sealed(city)),
	CONSTRAINT customer_address_of_customer FOREIGN KEY (org_id, customer_id) REFERENCES usom.customer ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.customer_address IS 'Where a customer takes deliveries. Written by plain SQL; what tells the door is sealed on its way in: read it as usom.addresses. Orders refer to the snapshot they were placed with.';
COMMENT ON COLUMN usom.customer_address.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.customer_address.customer_id IS 'Customer.';
COMMENT ON COLUMN usom.customer_address.address_no IS 'Number of the address with the customer; 1 is used when an order names none.';
COMMENT ON COLUMN usom.customer_address.name IS 'Name on the label; kept sealed.';
COMMENT ON COLUMN usom.customer_address.line1 IS 'Street and number; kept sealed.';
COMMENT ON COLUMN usom.customer_address.line2 IS 'Second line; kept sealed.';
COMMENT ON COLUMN usom.customer_address.postcode IS 'Postal code; sealed only if it does not look like one.';
COMMENT ON COLUMN usom.customer_address.city IS 'City; kept sealed.';
COMMENT ON COLUMN usom.customer_address.region IS 'State or province: the part of its ISO 3166-2 code after the country (CA, BY); sealed if it does not look like one.';
COMMENT ON COLUMN usom.customer_address.country IS 'ISO 3166 code of two letters.';
COMMENT ON COLUMN usom.customer_address.latitude IS 'Degrees north; kept to two decimals, about a kilometre.';
COMMENT ON COLUMN usom.customer_address.longitude IS 'Degrees east; kept to two decimals.';
COMMENT ON COLUMN usom.customer_address.address_id IS 'Snapshot of the address as it stands, see usom.address. Kept by usom.';

CREATE TABLE usom.address (
	org_id bigint NOT NULL,
	address_id bigint NOT NULL,
	person_id bigint NOT NULL,
	name text,
	line1 text,
	line2 text,
	postcode text,
	city text,
	region text,
	country text,
	latitude double precision,
	longitude double precision,
	verdict text CONSTRAINT address_verdict_known CHECK (verdict IN ('deliverable', 'corrected', 'undeliverable', 'unknown')),
	PRIMARY KEY (org_id, address_id)
);
COMMENT ON TABLE usom.address IS 'Addresses as they were when orders were placed: rows are added, never changed. Texts are sealed; country, region, postcode and coordinates to a kilometre stay readable for the books and for sourcing.';
COMMENT ON COLUMN usom.address.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.address.address_id IS 'Key.';
COMMENT ON COLUMN usom.address.person_id IS 'Whose key opens it: a customer, or the order of a guest.';
COMMENT ON COLUMN usom.address.name IS 'Name on the label, sealed.';
COMMENT ON COLUMN usom.address.line1 IS 'Street and number, sealed.';
COMMENT ON COLUMN usom.address.line2 IS 'Second line, sealed.';
COMMENT ON COLUMN usom.address.postcode IS 'Postal code; sealed only if it does not look like one.';
COMMENT ON COLUMN usom.address.city IS 'City, sealed.';
COMMENT ON COLUMN usom.address.region IS 'Part of an ISO 3166-2 code after the country; sealed if it does not look like one.';
COMMENT ON COLUMN usom.address.country IS 'ISO 3166 code; sealed only if it does not look like one.';
COMMENT ON COLUMN usom.address.latitude IS 'Degrees north, two decimals.';
COMMENT ON COLUMN usom.address.longitude IS 'Degrees east, two decimals.';
COMMENT ON COLUMN usom.address.verdict IS 'What somebody outside found when the address was verified: deliverable, corrected, undeliverable, unknown; null: nobody looked.';

-- No statistics and no other copy: pg_statistic would keep keys that are gone.
CREATE TABLE usom.vault_key (
	org_id bigint NOT NULL,
	person_id bigint NOT NULL,
	key usom.secret NOT NULL,
	PRIMARY KEY (org_id, person_id)
);
ALTER TABLE usom.vault_key ALTER COLUMN key SET STATISTICS 0, ALTER COLUMN key SET STORAGE PLAIN;
COMMENT ON TABLE usom.vault_key IS 'Keys of people: who may SELECT from it reads what is sealed. Deleting a key erases the person. Rows are written by usom alone; the audit keeps the SHA-256 of a key.';
COMMENT ON COLUMN usom.vault_key.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.vault_key.person_id IS 'A customer_id, the sales_order_id of a guest, the key of a message of the inbox or of a draft; 0: the organisation''s own key for usom.vault_index.';
COMMENT ON COLUMN usom.vault_key.key IS 'Key of AES-256-GCM.';

CREATE TABLE usom.vault_index (
	org_id bigint NOT NULL,
	person_id bigint NOT NULL,
	kind text NOT NULL CONSTRAINT vault_index_kind_known CHECK (kind IN ('email', 'phone')),
	digest bytea NOT NULL,
	PRIMARY KEY (org_id, person_id, kind)
);
ALTER TABLE usom.vault_index ALTER COLUMN digest SET STATISTICS 0;
CREATE INDEX vault_index_by_digest ON usom.vault_index (org_id, digest);
COMMENT ON TABLE usom.vault_index IS 'What find_customers() looks in: keyed digests of e-mail addresses and phone numbers. Kept from the rows of customer, so not in the audit; goes when the person is erased.';
COMMENT ON COLUMN usom.vault_index.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.vault_index.person_id IS 'Customer.';
COMMENT ON COLUMN usom.vault_index.kind IS 'email or phone.';
COMMENT ON COLUMN usom.vault_index.digest IS 'HMAC-SHA-256 of the normal form under the organisation''s key.';

CREATE TABLE usom.erasure (
	org_id bigint NOT NULL,
	person_id bigint NOT NULL,
	kind text NOT NULL CONSTRAINT erasure_kind_known CHECK (kind IN ('customer', 'guest')),
	code text NOT NULL,
	reason text,
	erased_at timestamptz NOT NULL DEFAULT now(),
	erased_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, person_id)
);
COMMENT ON TABLE usom.erasure IS 'Who was erased, by pseudonym: what is to be erased again when an older backup is restored. Rows are only added.';
COMMENT ON COLUMN usom.erasure.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.erasure.person_id IS 'A customer_id, or the sales_order_id of a guest.';
COMMENT ON COLUMN usom.erasure.kind IS 'customer or guest.';
COMMENT ON COLUMN usom.erasure.code IS 'Code of the customer, or number of the order.';
COMMENT ON COLUMN usom.erasure.reason IS 'Why; do not write who it was.';
COMMENT ON COLUMN usom.erasure.erased_at IS 'Time of the transaction.';
COMMENT ON COLUMN usom.erasure.erased_by IS 'Session user who did it.';

CREATE TABLE usom.retention (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	what text NOT NULL CONSTRAINT retention_what_known CHECK (what IN ('customer', 'guest', 'message', 'draft')),
	keep_for interval NOT NULL CONSTRAINT retention_keep_for_positive CHECK (keep_for > interval '0'),
	looked_at timestamptz,
	PRIMARY KEY (org_id, what)
);
COMMENT ON TABLE usom.retention IS 'How long people are known; tick() erases those who are due. No row: for ever. Example: INSERT INTO usom.retention VALUES (DEFAULT, ''guest'', ''90 days'');';
COMMENT ON COLUMN usom.retention.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.retention.what IS 'guest: buyers without a customer, counted from the last change of their order. customer: customers, counted from the last change of their last order, or from their own beginning if they have none. message: payloads of the inbox that were processed or are dead, and documents that were brought to be loaded and rejected, counted from when they came. draft: orders that were begun and not submitted, counted from when they were saved last.';
COMMENT ON COLUMN usom.retention.keep_for IS 'How long after that.';
COMMENT ON COLUMN usom.retention.looked_at IS 'When tick() last looked; it does so once an hour.';

CREATE TABLE usom.access (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	access_id bigint NOT NULL DEFAULT usom.next_id(),
	role text NOT NULL,
	profile text NOT NULL CONSTRAINT access_profile_known CHECK (profile IN
		('agent', 'manager', 'warehouse', 'channel', 'integrator', 'bi', 'auditor', 'break_glass')),
	channel_id bigint,
	granted_at timestamptz NOT NULL DEFAULT now(),
	granted_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, access_id),
	CONSTRAINT access_granted_once UNIQUE NULLS NOT DISTINCT (org_id, role, profile, channel_id),
	CONSTRAINT access_of_channel FOREIGN KEY (org_id, channel_id) REFERENCES usom.channel ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.access IS 'Which role works for which organisation. Written by grant_access() and revoke_access(). A role has the access of every role whose rights it has; superusers and the owner of the tables need none.';
COMMENT ON COLUMN usom.access.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.access.access_id IS 'Key.';
COMMENT ON COLUMN usom.access.role IS 'Name of the role.';
COMMENT ON COLUMN usom.access.profile IS 'agent, manager, warehouse, channel, integrator, bi, auditor or break_glass: the group role usom_<profile> that it was made a member of.';
COMMENT ON COLUMN usom.access.channel_id IS 'Channel whose orders alone it sees and writes; null: all.';
COMMENT ON COLUMN usom.access.granted_at IS 'When it was granted.';
COMMENT ON COLUMN usom.access.granted_by IS 'Session user who granted it.';

-- Rows that replication brings are furnished where they came from, so this trigger is not ENABLE ALWAYS.
CREATE TRIGGER usom_furnish AFTER INSERT ON usom.organisation FOR EACH ROW EXECUTE FUNCTION usom.furnish_organisation();

-- What backends remember of these tables (house.c and others) is forgotten, before any other trigger, by its name, so that those see the change.
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.organisation
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.organisation ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.channel
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.channel ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('organisation');
SELECT usom._guard_cards('channel');
SELECT usom._guard_cards('customer');
SELECT usom._guard_cards('customer_address');
SELECT usom._guard_master('organisation', 'code');
SELECT usom._guard_master('channel', 'code');
SELECT usom._guard_master('customer', 'code');
SELECT usom._audit_table('organisation');
SELECT usom._audit_table('channel');
SELECT usom._audit_table('customer');
SELECT usom._audit_table('customer_address');

CREATE TRIGGER usom_seal BEFORE INSERT OR UPDATE ON usom.customer
	FOR EACH ROW EXECUTE FUNCTION usom._seal_customer();
CREATE TRIGGER usom_written_insert AFTER INSERT ON usom.customer REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._customer_written();
CREATE TRIGGER usom_written_update AFTER UPDATE ON usom.customer REFERENCING OLD TABLE AS older NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._customer_written();
ALTER TABLE usom.customer ENABLE ALWAYS TRIGGER usom_seal, ENABLE ALWAYS TRIGGER usom_written_insert,
	ENABLE ALWAYS TRIGGER usom_written_update;
CREATE TRIGGER usom_seal BEFORE INSERT OR UPDATE ON usom.customer_address
	FOR EACH ROW EXECUTE FUNCTION usom._seal_address();
CREATE TRIGGER usom_written_insert AFTER INSERT ON usom.customer_address REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._address_written();
CREATE TRIGGER usom_written_update AFTER UPDATE ON usom.customer_address REFERENCING OLD TABLE AS older NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._address_written();
ALTER TABLE usom.customer_address ENABLE ALWAYS TRIGGER usom_seal, ENABLE ALWAYS TRIGGER usom_written_insert,
	ENABLE ALWAYS TRIGGER usom_written_update;

SELECT usom._guard_ledger('address', 'the function that changes the address of the order');
SELECT usom._guard_kept('vault_key', 'usom.erase_customer() or usom.erase_order_person()');
SELECT usom._guard_kept('vault_index', 'usom.find_customers(), which reads it');
SELECT usom._guard_cards('retention');
SELECT usom._guard_ledger('erasure', 'usom.erase_customer() or usom.erase_order_person()');
SELECT usom._audit_table('address');
SELECT usom._audit_table('vault_key');
SELECT usom._audit_table('erasure');
SELECT usom._audit_table('retention');

CREATE VIEW usom.customers WITH (security_invoker = true) AS
SELECT c.code AS customer, usom._open(c.org_id, c.name) AS name, usom._open(c.org_id, c.email) AS email,
	usom._open(c.org_id, c.phone) AS phone, c.substitution::text AS substitution, c.active, c.created_at, c.erased_at, c.segment
FROM usom.customer c
WHERE c.org_id = usom.current_org();
COMMENT ON VIEW usom.customers IS 'The customers of the caller''s organisation. Names, addresses and numbers are there for roles that may read usom.vault_key, and null for others. Example: SELECT * FROM usom.customers WHERE customer = ''17850'';';
COMMENT ON COLUMN usom.customers.customer IS 'Code of the customer.';
COMMENT ON COLUMN usom.customers.name IS 'Name for people.';
COMMENT ON COLUMN usom.customers.email IS 'Address for messages; find_customers() searches it.';
COMMENT ON COLUMN usom.customers.phone IS 'Number for calls; find_customers() searches it.';
COMMENT ON COLUMN usom.customers.substitution IS 'none or allowed: may other products take the place of what is short without asking?';
COMMENT ON COLUMN usom.customers.active IS 'Off: no new orders.';
COMMENT ON COLUMN usom.customers.created_at IS 'When the customer was made.';
COMMENT ON COLUMN usom.customers.erased_at IS 'When the person was erased; null: never.';
COMMENT ON COLUMN usom.customers.segment IS 'Group that quotas, priorities and runs may name.';

CREATE VIEW usom.addresses WITH (security_invoker = true) AS
SELECT c.code AS customer, a.address_no, usom._open(a.org_id, a.name) AS name, usom._open(a.org_id, a.line1) AS line1,
	usom._open(a.org_id, a.line2) AS line2, usom._open(a.org_id, a.postcode) AS postcode, usom._open(a.org_id, a.city) AS city,
	usom._open(a.org_id, a.region) AS region, a.country, a.latitude::numeric AS latitude, a.longitude::numeric AS longitude
FROM usom.customer_address a
JOIN usom.customer c ON c.org_id = a.org_id AND c.customer_id = a.customer_id
WHERE a.org_id = usom.current_org();
COMMENT ON VIEW usom.addresses IS 'Where customers take deliveries. What tells the door is there for roles that may read usom.vault_key, and null for others. Example: SELECT * FROM usom.addresses WHERE customer = ''17850'';';
COMMENT ON COLUMN usom.addresses.customer IS 'Code of the customer.';
COMMENT ON COLUMN usom.addresses.address_no IS 'Number of the address with the customer; 1 is used when an order names none.';
COMMENT ON COLUMN usom.addresses.name IS 'Name on the label.';
COMMENT ON COLUMN usom.addresses.line1 IS 'Street and number.';
COMMENT ON COLUMN usom.addresses.line2 IS 'Second line.';
COMMENT ON COLUMN usom.addresses.postcode IS 'Postal code.';
COMMENT ON COLUMN usom.addresses.city IS 'City.';
COMMENT ON COLUMN usom.addresses.region IS 'State or province: the part of its ISO 3166-2 code after the country.';
COMMENT ON COLUMN usom.addresses.country IS 'ISO 3166 code of two letters.';
COMMENT ON COLUMN usom.addresses.latitude IS 'Degrees north, two decimals.';
COMMENT ON COLUMN usom.addresses.longitude IS 'Degrees east, two decimals.';

SELECT usom._guard_kept('access', 'usom.grant_access() or usom.revoke_access()');
SELECT usom._audit_table('access');
CREATE TRIGGER usom_access_changed AFTER INSERT OR UPDATE OR DELETE ON usom.access
	FOR EACH ROW EXECUTE FUNCTION usom._access_changed();
ALTER TABLE usom.access ENABLE ALWAYS TRIGGER usom_access_changed;
-- After the triggers of the audit: it knows every row from its beginning.
INSERT INTO usom.organisation (org_id, code, name) VALUES (1, 'main', 'Main organisation');
