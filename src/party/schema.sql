-- step 1
CREATE TABLE usom.organisation (
	org_id bigint NOT NULL DEFAULT usom.next_id() PRIMARY KEY,
	code text NOT NULL CONSTRAINT organisation_code_given CHECK (code <> ''),
	name text,
	currency usom.currency_code NOT NULL DEFAULT 'EUR',
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT organisation_code_unique UNIQUE (code)
);
COMMENT ON TABLE usom.organisation IS 'A company that sells. Every other row belongs to one.';
COMMENT ON COLUMN usom.organisation.org_id IS 'Key.';
COMMENT ON COLUMN usom.organisation.code IS 'What the setting usom.org names.';
COMMENT ON COLUMN usom.organisation.name IS 'Name for people.';
COMMENT ON COLUMN usom.organisation.currency IS 'ISO 4217 code of orders that name no currency.';
COMMENT ON COLUMN usom.organisation.created_at IS 'When the row was made.';

CREATE TABLE usom.channel (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	channel_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT channel_code_given CHECK (code <> ''),
	name text,
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
COMMENT ON COLUMN usom.channel.active IS 'Off: no new orders.';
COMMENT ON COLUMN usom.channel.created_at IS 'When the row was made.';

CREATE TABLE usom.customer (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	customer_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT customer_code_given CHECK (code <> ''),
	name text,
	email text,
	phone text,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, customer_id),
	CONSTRAINT customer_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.customer IS 'Who buys. An order without one is a guest''s.';
COMMENT ON COLUMN usom.customer.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.customer.customer_id IS 'Key.';
COMMENT ON COLUMN usom.customer.code IS 'What order documents name.';
COMMENT ON COLUMN usom.customer.name IS 'Name for people.';
COMMENT ON COLUMN usom.customer.email IS 'Address for messages.';
COMMENT ON COLUMN usom.customer.phone IS 'Number for calls.';
COMMENT ON COLUMN usom.customer.active IS 'Off: no new orders.';
COMMENT ON COLUMN usom.customer.created_at IS 'When the row was made.';

CREATE TABLE usom.customer_address (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	customer_id bigint NOT NULL,
	address_no integer NOT NULL DEFAULT 1,
	name text,
	line1 text,
	line2 text,
	postcode text,
	city text,
	country text CONSTRAINT customer_address_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	latitude double precision CONSTRAINT customer_address_latitude_on_earth CHECK (latitude BETWEEN -90 AND 90),
	longitude double precision CONSTRAINT customer_address_longitude_on_earth CHECK (longitude BETWEEN -180 AND 180),
	PRIMARY KEY (org_id, customer_id, address_no),
	CONSTRAINT customer_address_of_customer FOREIGN KEY (org_id, customer_id) REFERENCES usom.customer ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.customer_address IS 'Where a customer takes deliveries. Orders keep a copy of the address they were placed with.';
COMMENT ON COLUMN usom.customer_address.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.customer_address.customer_id IS 'Customer.';
COMMENT ON COLUMN usom.customer_address.address_no IS 'Number of the address with the customer; 1 is used when an order names none.';
COMMENT ON COLUMN usom.customer_address.name IS 'Name on the label.';
COMMENT ON COLUMN usom.customer_address.line1 IS 'Street and number.';
COMMENT ON COLUMN usom.customer_address.line2 IS 'Second line.';
COMMENT ON COLUMN usom.customer_address.postcode IS 'Postal code.';
COMMENT ON COLUMN usom.customer_address.city IS 'City.';
COMMENT ON COLUMN usom.customer_address.country IS 'ISO 3166 code of two letters.';
COMMENT ON COLUMN usom.customer_address.latitude IS 'Degrees north.';
COMMENT ON COLUMN usom.customer_address.longitude IS 'Degrees east.';

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

SELECT usom._guard_kept('access', 'usom.grant_access() or usom.revoke_access()');
SELECT usom._audit_table('access');
CREATE TRIGGER usom_access_changed AFTER INSERT OR UPDATE OR DELETE ON usom.access
	FOR EACH ROW EXECUTE FUNCTION usom._access_changed();
ALTER TABLE usom.access ENABLE ALWAYS TRIGGER usom_access_changed;
-- After the triggers of the audit: it knows every row from its beginning.
INSERT INTO usom.organisation (org_id, code, name) VALUES (1, 'main', 'Main organisation');
