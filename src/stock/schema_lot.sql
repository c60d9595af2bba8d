-- step 2
CREATE TABLE usom.lot (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	product_id bigint NOT NULL,
	lot text COLLATE "C" NOT NULL CONSTRAINT lot_given CHECK (lot <> ''),
	sku text NOT NULL,
	expires_at timestamptz,
	blocked text CONSTRAINT lot_blocked_for_a_reason CHECK (blocked <> ''),
	made_on date,
	supplier text,
	reference text,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, product_id, lot),
	CONSTRAINT lot_of_product FOREIGN KEY (org_id, sku) REFERENCES usom.product (org_id, sku) ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX lot_by_name ON usom.lot (org_id, lot);
COMMENT ON TABLE usom.lot IS 'What is known of a lot: INSERT INTO usom.lot (sku, lot, expires_at) before or after it is received; the first receipt makes the row if it is missing. Its stock is promised, first expired first, until it expires, and not while it is blocked.';
COMMENT ON COLUMN usom.lot.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.lot.product_id IS 'Product; found by sku.';
COMMENT ON COLUMN usom.lot.lot IS 'Name of the lot.';
COMMENT ON COLUMN usom.lot.sku IS 'Product, as documents name it.';
COMMENT ON COLUMN usom.lot.expires_at IS 'From then on nothing of it is promised, reserved or shipped; null: never.';
COMMENT ON COLUMN usom.lot.blocked IS 'Why nothing of it is promised, reserved or shipped now; null: it is not blocked. usom.block_lot() takes what is reserved off it, too.';
COMMENT ON COLUMN usom.lot.made_on IS 'Day on which it was made.';
COMMENT ON COLUMN usom.lot.supplier IS 'Who made or delivered it.';
COMMENT ON COLUMN usom.lot.reference IS 'Number of the certificate, or what the supplier calls the lot.';
COMMENT ON COLUMN usom.lot.created_at IS 'When the row was made.';
-- Rows that replication brings were checked where they came from, and so do the rows of stock that follow them: none of these is ENABLE ALWAYS.
CREATE TRIGGER usom_lot BEFORE INSERT OR UPDATE ON usom.lot
	FOR EACH ROW EXECUTE FUNCTION usom._check_lot();
CREATE TRIGGER usom_lot_added AFTER INSERT ON usom.lot
	REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION usom._lot_written();
CREATE TRIGGER usom_lot_changed AFTER UPDATE ON usom.lot
	REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION usom._lot_written();
CREATE TRIGGER usom_tracking BEFORE UPDATE OF tracking ON usom.product
	FOR EACH ROW WHEN (NEW.tracking <> OLD.tracking) EXECUTE FUNCTION usom._check_tracking();
ALTER TABLE usom.product ENABLE ALWAYS TRIGGER usom_tracking;

CREATE TABLE usom.serial_unit (
	org_id bigint NOT NULL,
	product_id bigint NOT NULL,
	serial text COLLATE "C" NOT NULL CONSTRAINT serial_unit_given CHECK (serial <> ''),
	location_id bigint NOT NULL,
	status text NOT NULL DEFAULT 'on_hand' CONSTRAINT serial_unit_status_known CHECK (status IN ('on_hand', 'reserved', 'picked', 'shipped', 'gone')),
	sales_order_id bigint,
	line_no integer,
	named boolean NOT NULL DEFAULT false,
	reference text,
	changed_at timestamptz NOT NULL DEFAULT now(),
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, product_id, serial),
	CONSTRAINT serial_unit_of_line_iff_claimed CHECK ((sales_order_id IS NOT NULL) = (status IN ('reserved', 'picked', 'shipped'))),
	CONSTRAINT serial_unit_of_line_iff_of_order CHECK ((sales_order_id IS NULL) = (line_no IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX serial_unit_of_line ON usom.serial_unit (org_id, sales_order_id, line_no) WHERE sales_order_id IS NOT NULL;
CREATE INDEX serial_unit_at ON usom.serial_unit (org_id, product_id, location_id) WHERE status <> 'gone';
COMMENT ON TABLE usom.serial_unit IS 'Units that have a number of their own, each once for ever: where it is, or whose. Its row lock is taken without waiting: who claims it second is refused.';
COMMENT ON COLUMN usom.serial_unit.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.serial_unit.product_id IS 'Product.';
COMMENT ON COLUMN usom.serial_unit.serial IS 'Serial number; of a product each is there once.';
COMMENT ON COLUMN usom.serial_unit.location_id IS 'Location where it is, or was last.';
COMMENT ON COLUMN usom.serial_unit.status IS 'on_hand; reserved or picked for a line, on the shelf still; shipped; gone (taken out of stock).';
COMMENT ON COLUMN usom.serial_unit.sales_order_id IS 'Order that it is for or went to; null: nobody''s.';
COMMENT ON COLUMN usom.serial_unit.line_no IS 'Line of that order.';
COMMENT ON COLUMN usom.serial_unit.named IS 'Asked for by its number: it goes before the others of its line.';
COMMENT ON COLUMN usom.serial_unit.reference IS 'Document of its last step.';
COMMENT ON COLUMN usom.serial_unit.changed_at IS 'When its state changed last.';
COMMENT ON COLUMN usom.serial_unit.created_at IS 'When it was received first.';

SELECT usom._guard_cards('lot');
SELECT usom._guard_master('lot', 'lot');
SELECT usom._guard_kept('serial_unit', 'usom.receive_serials(), usom.assign_serials() or usom.remove_serials()');
SELECT usom._audit_table('lot');
SELECT usom._audit_table('serial_unit');

CREATE VIEW usom.lots WITH (security_invoker = true) AS
SELECT t.sku, t.lot, o.code AS location, coalesce(trim_scale(s.on_hand), 0) AS on_hand, coalesce(trim_scale(s.reserved), 0) AS reserved,
	t.expires_at, t.blocked, t.blocked IS NULL AND coalesce(t.expires_at > statement_timestamp(), true) AS usable,
	t.made_on, t.supplier, t.reference
FROM usom.lot t
LEFT JOIN usom.stock s ON s.org_id = t.org_id AND s.product_id = t.product_id AND s.lot = t.lot
LEFT JOIN usom.location o ON o.org_id = s.org_id AND o.location_id = s.location_id
WHERE t.org_id = usom.current_org();
COMMENT ON VIEW usom.lots IS 'The lots of the caller''s organisation, a row for each location that has or had stock of one. Ask by sku; ORDER BY expires_at shows which goes first.';
COMMENT ON COLUMN usom.lots.sku IS 'Product.';
COMMENT ON COLUMN usom.lots.lot IS 'Name of the lot.';
COMMENT ON COLUMN usom.lots.location IS 'Location; null: none has had any of it yet.';
COMMENT ON COLUMN usom.lots.on_hand IS 'Units on the shelf.';
COMMENT ON COLUMN usom.lots.reserved IS 'Units promised to order pieces that are not shipped yet.';
COMMENT ON COLUMN usom.lots.expires_at IS 'From then on nothing of it is promised, reserved or shipped; null: never.';
COMMENT ON COLUMN usom.lots.blocked IS 'Why it is blocked; null: it is not.';
COMMENT ON COLUMN usom.lots.usable IS 'True: its units are promised now.';
COMMENT ON COLUMN usom.lots.made_on IS 'Day on which it was made.';
COMMENT ON COLUMN usom.lots.supplier IS 'Who made or delivered it.';
COMMENT ON COLUMN usom.lots.reference IS 'Number of the certificate, or what the supplier calls it.';
