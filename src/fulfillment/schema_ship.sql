-- step 20
CREATE TABLE usom.handling_class (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	handling_class_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT handling_class_code_given CHECK (code <> ''),
	name text,
	special_packaging boolean NOT NULL DEFAULT false,
	apart boolean NOT NULL DEFAULT false,
	carriers text[] CONSTRAINT handling_class_carriers_not_empty CHECK (cardinality(carriers) > 0 AND array_position(carriers, NULL) IS NULL),
	temperature_from numeric(5,1) CONSTRAINT handling_class_temperature_sane CHECK (temperature_from BETWEEN -273 AND 1000),
	temperature_to numeric(5,1) CONSTRAINT handling_class_temperature_to_sane CHECK (temperature_to BETWEEN -273 AND 1000),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, handling_class_id),
	CONSTRAINT handling_class_code_unique UNIQUE (org_id, code),
	CONSTRAINT handling_class_temperature_range CHECK (temperature_to >= temperature_from)
);
COMMENT ON TABLE usom.handling_class IS 'How goods want to be handled: fragile, cold, dangerous. Products name the classes that they are of, packaging those that it is fit for.';
COMMENT ON COLUMN usom.handling_class.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.handling_class.handling_class_id IS 'Key.';
COMMENT ON COLUMN usom.handling_class.code IS 'What products and packaging name.';
COMMENT ON COLUMN usom.handling_class.name IS 'Name for people, printed on labels.';
COMMENT ON COLUMN usom.handling_class.special_packaging IS 'On: units leave in a package alone, of a packaging that names the class.';
COMMENT ON COLUMN usom.handling_class.apart IS 'On: units are in no package together with goods that are not of the class.';
COMMENT ON COLUMN usom.handling_class.carriers IS 'Carriers that may take it; null: any.';
COMMENT ON COLUMN usom.handling_class.temperature_from IS 'Degrees Celsius at least, printed on labels; null: no bound.';
COMMENT ON COLUMN usom.handling_class.temperature_to IS 'Degrees Celsius at most; null: no bound.';
COMMENT ON COLUMN usom.handling_class.active IS 'Off: asks for nothing any more.';
COMMENT ON COLUMN usom.handling_class.created_at IS 'When the row was made.';

CREATE TABLE usom.packaging (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	packaging_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT packaging_code_given CHECK (code <> ''),
	name text,
	kind text NOT NULL DEFAULT 'box' CONSTRAINT packaging_kind_known CHECK (kind IN ('box', 'envelope', 'bag', 'crate', 'pallet', 'other')),
	length usom.quantity NOT NULL DEFAULT 0,
	width usom.quantity NOT NULL DEFAULT 0,
	height usom.quantity NOT NULL DEFAULT 0,
	weight usom.quantity NOT NULL DEFAULT 0,
	max_weight usom.quantity,
	handling text[] NOT NULL DEFAULT '{}' CONSTRAINT packaging_handling_codes CHECK (array_position(handling, NULL) IS NULL),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, packaging_id),
	CONSTRAINT packaging_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.packaging IS 'Boxes, bags and pallets that units are packed in.';
COMMENT ON COLUMN usom.packaging.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.packaging.packaging_id IS 'Key.';
COMMENT ON COLUMN usom.packaging.code IS 'What usom.pack() names.';
COMMENT ON COLUMN usom.packaging.name IS 'Name for people.';
COMMENT ON COLUMN usom.packaging.kind IS 'box, envelope, bag, crate, pallet or other.';
COMMENT ON COLUMN usom.packaging.length IS 'Centimetres inside; 0: not known.';
COMMENT ON COLUMN usom.packaging.width IS 'Centimetres inside; 0: not known.';
COMMENT ON COLUMN usom.packaging.height IS 'Centimetres inside; 0: not known. With length, width and height known, no more litres of products go in than it has.';
COMMENT ON COLUMN usom.packaging.weight IS 'Kilograms when it is empty.';
COMMENT ON COLUMN usom.packaging.max_weight IS 'Kilograms at most of what is in it; null: no limit.';
COMMENT ON COLUMN usom.packaging.handling IS 'Codes of the handling classes that it is fit for.';
COMMENT ON COLUMN usom.packaging.active IS 'Off: nothing new is packed in it.';
COMMENT ON COLUMN usom.packaging.created_at IS 'When the row was made.';

CREATE TABLE usom.manifest (
	org_id bigint NOT NULL,
	manifest_id bigint NOT NULL DEFAULT usom.next_id(),
	manifest_no text NOT NULL,
	location_id bigint NOT NULL,
	carrier text,
	closed_at timestamptz NOT NULL DEFAULT now(),
	closed_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, manifest_id),
	CONSTRAINT manifest_no_unique UNIQUE (org_id, manifest_no)
);
COMMENT ON TABLE usom.manifest IS 'Shipments that a carrier took along from a location at one time.';
COMMENT ON COLUMN usom.manifest.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.manifest.manifest_id IS 'Key.';
COMMENT ON COLUMN usom.manifest.manifest_no IS 'Number for people.';
COMMENT ON COLUMN usom.manifest.location_id IS 'Where they were fetched.';
COMMENT ON COLUMN usom.manifest.carrier IS 'Who took them; null: nobody was named.';
COMMENT ON COLUMN usom.manifest.closed_at IS 'When they were taken.';
COMMENT ON COLUMN usom.manifest.closed_by IS 'Session user who closed it.';

CREATE TABLE usom.package (
	org_id bigint NOT NULL,
	package_id bigint NOT NULL DEFAULT usom.next_id(),
	package_no text NOT NULL,
	sales_order_id bigint NOT NULL,
	location_id bigint NOT NULL,
	packaging_id bigint,
	weight usom.quantity,
	tracking text,
	shipment_id bigint,
	packed_at timestamptz NOT NULL DEFAULT now(),
	packed_by text NOT NULL DEFAULT session_user,
	unpacked_at timestamptz,
	PRIMARY KEY (org_id, package_id),
	CONSTRAINT package_no_unique UNIQUE (org_id, package_no),
	CONSTRAINT package_unpacked_is_not_shipped CHECK (unpacked_at IS NULL OR shipment_id IS NULL),
	CONSTRAINT package_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX package_of_order ON usom.package (org_id, sales_order_id);
CREATE INDEX package_by_tracking ON usom.package (org_id, tracking) WHERE tracking IS NOT NULL;
COMMENT ON TABLE usom.package IS 'Units of one order that were packed together at one location. What is in it are the pieces that name it.';
COMMENT ON COLUMN usom.package.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.package.package_id IS 'Key.';
COMMENT ON COLUMN usom.package.package_no IS 'Number for people.';
COMMENT ON COLUMN usom.package.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.package.location_id IS 'Where it was packed.';
COMMENT ON COLUMN usom.package.packaging_id IS 'What it is packed in; null: nothing was said.';
COMMENT ON COLUMN usom.package.weight IS 'Kilograms as it was weighed; null: it was not.';
COMMENT ON COLUMN usom.package.tracking IS 'Carrier''s number of the package; null: that of its shipment.';
COMMENT ON COLUMN usom.package.shipment_id IS 'Shipment that it left with; null: it is still there.';
COMMENT ON COLUMN usom.package.packed_at IS 'When packing began.';
COMMENT ON COLUMN usom.package.packed_by IS 'Session user who packed it.';
COMMENT ON COLUMN usom.package.unpacked_at IS 'When it was unpacked again; null: it was not.';

CREATE TABLE usom.gift_wrap (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	style text NOT NULL,
	wanted_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, sales_order_id, line_no),
	CONSTRAINT gift_wrap_style_given CHECK (style <> ''),
	CONSTRAINT gift_wrap_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.gift_wrap IS 'Lines that are to be wrapped as gifts.';
COMMENT ON COLUMN usom.gift_wrap.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.gift_wrap.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.gift_wrap.line_no IS 'Line.';
COMMENT ON COLUMN usom.gift_wrap.style IS 'Paper that is asked for.';
COMMENT ON COLUMN usom.gift_wrap.wanted_at IS 'When it was asked for.';

CREATE TABLE usom.tracking_event (
	org_id bigint NOT NULL,
	tracking_event_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	shipment_id bigint NOT NULL,
	package_id bigint,
	message_id text,
	kind text NOT NULL CONSTRAINT tracking_event_kind_known CHECK (kind IN ('info', 'in_transit', 'out_for_delivery', 'delivered', 'failed', 'returning', 'lost')),
	occurred_at timestamptz NOT NULL,
	place text,
	note text,
	counted boolean NOT NULL,
	recorded_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, tracking_event_id),
	CONSTRAINT tracking_event_of_shipment FOREIGN KEY (org_id, shipment_id) REFERENCES usom.shipment ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE UNIQUE INDEX tracking_event_once ON usom.tracking_event (org_id, shipment_id, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX tracking_event_of_shipment ON usom.tracking_event (org_id, shipment_id, occurred_at);
COMMENT ON TABLE usom.tracking_event IS 'What carriers say of shipments, as it came.';
COMMENT ON COLUMN usom.tracking_event.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.tracking_event.tracking_event_id IS 'Key.';
COMMENT ON COLUMN usom.tracking_event.sales_order_id IS 'Order of the shipment.';
COMMENT ON COLUMN usom.tracking_event.shipment_id IS 'Shipment.';
COMMENT ON COLUMN usom.tracking_event.package_id IS 'Package that the carrier named; null: the shipment.';
COMMENT ON COLUMN usom.tracking_event.message_id IS 'The carrier''s key of the message; the same again says nothing new. Null: it has none.';
COMMENT ON COLUMN usom.tracking_event.kind IS 'info, in_transit, out_for_delivery, delivered, failed, returning or lost.';
COMMENT ON COLUMN usom.tracking_event.occurred_at IS 'When it happened, by the carrier''s word.';
COMMENT ON COLUMN usom.tracking_event.place IS 'Where.';
COMMENT ON COLUMN usom.tracking_event.note IS 'The carrier''s words; nothing about people.';
COMMENT ON COLUMN usom.tracking_event.counted IS 'Did it change the shipment? Off: it came late, or said nothing new.';
COMMENT ON COLUMN usom.tracking_event.recorded_at IS 'When it came.';

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.handling_class
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.handling_class ENABLE ALWAYS TRIGGER _memo_changed;
-- Rows that replication brings were checked where they came from, so these triggers are not ENABLE ALWAYS.
CREATE TRIGGER usom_handling BEFORE INSERT OR UPDATE ON usom.product
	FOR EACH ROW EXECUTE FUNCTION usom._check_handling('sku');
CREATE TRIGGER usom_handling BEFORE INSERT OR UPDATE ON usom.packaging
	FOR EACH ROW EXECUTE FUNCTION usom._check_handling('code');

SELECT usom._guard_cards('handling_class');
SELECT usom._guard_cards('packaging');
SELECT usom._guard_cards('manifest');
SELECT usom._guard_cards('package');
SELECT usom._guard_cards('gift_wrap');
SELECT usom._guard_cards('tracking_event');
SELECT usom._guard_master('handling_class', 'code');
SELECT usom._guard_master('packaging', 'code');
SELECT usom._guard_kept('manifest', 'usom.close_manifest()');
SELECT usom._guard_kept('package', 'usom.pack() or usom.unpack()');
SELECT usom._guard_kept('gift_wrap', 'usom.wrap_gift()');
SELECT usom._guard_ledger('tracking_event', 'usom.record_tracking()');

SELECT usom._audit_table('handling_class');
SELECT usom._audit_table('packaging');
SELECT usom._audit_table('manifest');
SELECT usom._audit_table('package');
SELECT usom._audit_table('gift_wrap');
SELECT usom._audit_table('tracking_event');
