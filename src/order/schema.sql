-- step 1
-- No foreign keys from line to order and from piece to line: lines and pieces
-- are written by usom in the call that has the order locked, or checked after
-- the statement (usom._line_written), and orders are never deleted.  The checks
-- would be a statement per row; verify() finds an orphan (decision 013).
CREATE TABLE usom.sales_order (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	sales_order_id bigint NOT NULL DEFAULT usom.next_id(),
	order_no text NOT NULL DEFAULT usom.next_document_no('order'),
	channel_id bigint NOT NULL DEFAULT usom.channel_id('manual'),
	external_id text,
	revision usom.ordinal NOT NULL DEFAULT 1,
	order_type usom.order_type NOT NULL DEFAULT 'standard',
	customer_id bigint,
	status usom.order_status NOT NULL DEFAULT 'draft',
	currency usom.currency_code NOT NULL DEFAULT usom.default_currency(),
	total usom.amount NOT NULL DEFAULT 0,
	priority integer NOT NULL DEFAULT 5,
	placed_at timestamptz NOT NULL DEFAULT now(),
	requested_at timestamptz,
	ship_complete boolean NOT NULL DEFAULT false,
	coupons text[],
	ship_to jsonb,
	address_id bigint,
	payment jsonb,
	instructions text,
	version integer NOT NULL DEFAULT 1,
	payload_digest bytea,
	paid usom.charge,
	parent_order_id bigint,
	created_at timestamptz NOT NULL DEFAULT now(),
	priced_at timestamptz,
	flow_id bigint,
	flow_state text,
	PRIMARY KEY (org_id, sales_order_id),
	CONSTRAINT sales_order_no_unique UNIQUE (org_id, order_no)
);
ALTER TABLE usom.sales_order SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
CREATE UNIQUE INDEX sales_order_external_unique ON usom.sales_order (org_id, channel_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX sales_order_of_customer ON usom.sales_order (org_id, customer_id, sales_order_id) WHERE customer_id IS NOT NULL;
-- Orders of a day or a month, without all that ever were; a page or two, as orders come in the order of their time.
CREATE INDEX sales_order_by_time ON usom.sales_order USING brin (placed_at) WITH (pages_per_range = 32);
COMMENT ON TABLE usom.sales_order IS 'A customer''s order. The row is the lock of the whole order: whoever changes lines, pieces or holds has it.';
COMMENT ON COLUMN usom.sales_order.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.sales_order.sales_order_id IS 'Key.';
COMMENT ON COLUMN usom.sales_order.order_no IS 'Number for people and other systems.';
COMMENT ON COLUMN usom.sales_order.channel_id IS 'Channel it came by.';
COMMENT ON COLUMN usom.sales_order.external_id IS 'Number the channel gave it; once per channel.';
COMMENT ON COLUMN usom.sales_order.revision IS 'Revision of the channel''s document.';
COMMENT ON COLUMN usom.sales_order.order_type IS 'Flow, see usom.order_types(). Settled when the order is submitted.';
COMMENT ON COLUMN usom.sales_order.customer_id IS 'Customer; null for a guest.';
COMMENT ON COLUMN usom.sales_order.status IS 'draft, submitted, confirmed, cancelled, closed and rejected are decisions; the rest follows from the pieces.';
COMMENT ON COLUMN usom.sales_order.currency IS 'ISO 4217 code of every amount of the order.';
COMMENT ON COLUMN usom.sales_order.total IS 'Sum of the line totals.';
COMMENT ON COLUMN usom.sales_order.priority IS 'Lower is served first; 5 is usual.';
COMMENT ON COLUMN usom.sales_order.placed_at IS 'When the customer ordered.';
COMMENT ON COLUMN usom.sales_order.requested_at IS 'When the customer wants it.';
COMMENT ON COLUMN usom.sales_order.ship_complete IS 'On: the order is shipped as a whole.';
COMMENT ON COLUMN usom.sales_order.coupons IS 'Codes the customer gave.';
COMMENT ON COLUMN usom.sales_order.ship_to IS 'Only written: an address as in the order document goes to usom.address, sealed, and what is kept here is null; {} takes the address away. Read it in usom.orders.';
COMMENT ON COLUMN usom.sales_order.address_id IS 'Snapshot of the address, see usom.address. In ON CONFLICT DO UPDATE: address_id = EXCLUDED.address_id.';
COMMENT ON COLUMN usom.sales_order.payment IS 'Method, reference and authorised amount as of placing.';
COMMENT ON COLUMN usom.sales_order.instructions IS 'Words for those who fulfil it; write them in clear, they are kept sealed.';
COMMENT ON COLUMN usom.sales_order.version IS 'Counts the changes; what change_order compares.';
COMMENT ON COLUMN usom.sales_order.payload_digest IS 'To tell a repeat from another payload: SHA-256 of the document, or HMAC-SHA-256 under the key of the person if it has an address or instructions to seal, so that nobody can try names.';
COMMENT ON COLUMN usom.sales_order.paid IS 'Captured for the order, less what went back or is asked to go back: kept from usom.payment. Null: no payment is known.';
COMMENT ON COLUMN usom.sales_order.parent_order_id IS 'Order that it was split from, see usom.split_order(); null: none.';
COMMENT ON COLUMN usom.sales_order.created_at IS 'When the row was made.';
COMMENT ON COLUMN usom.sales_order.priced_at IS 'The price rules in force then hold for the order, see reprice_order(); null: those of placed_at.';
COMMENT ON COLUMN usom.sales_order.flow_id IS 'Version of the flow that it takes, see usom.flow; null: the built-in one. Settled when it is placed or submitted.';
COMMENT ON COLUMN usom.sales_order.flow_state IS 'State of that flow; null: none but the status. UPDATE ... SET flow_state takes a step, as usom.take_step() does.';

CREATE TABLE usom.order_line (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id bigint NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	unit_price usom.price_amount NOT NULL DEFAULT 0,
	total usom.amount NOT NULL DEFAULT 0,
	location_id bigint,
	requested_at timestamptz,
	substitution usom.substitution NOT NULL DEFAULT 'none',
	partial boolean NOT NULL DEFAULT true,
	quantity_open usom.quantity NOT NULL DEFAULT 0,
	quantity_backordered usom.quantity NOT NULL DEFAULT 0,
	quantity_reserved usom.quantity NOT NULL DEFAULT 0,
	quantity_released usom.quantity NOT NULL DEFAULT 0,
	quantity_picked usom.quantity NOT NULL DEFAULT 0,
	quantity_packed usom.quantity NOT NULL DEFAULT 0,
	quantity_shipped usom.quantity NOT NULL DEFAULT 0,
	quantity_delivered usom.quantity NOT NULL DEFAULT 0,
	quantity_returned usom.quantity NOT NULL DEFAULT 0,
	quantity_cancelled usom.quantity NOT NULL DEFAULT 0,
	kit_line_no integer,
	kit_quantity usom.positive_quantity,
	discount usom.charge NOT NULL DEFAULT 0,
	freight usom.charge NOT NULL DEFAULT 0,
	tax usom.charge NOT NULL DEFAULT 0,
	tax_included boolean NOT NULL DEFAULT false,
	decimals smallint,
	PRIMARY KEY (org_id, sales_order_id, line_no),
	CONSTRAINT order_line_quantity_conserved CHECK (usom._adds_up(quantity, quantity_open, quantity_backordered,
		quantity_reserved, quantity_released, quantity_picked, quantity_packed, quantity_shipped, quantity_delivered,
		quantity_returned, quantity_cancelled))
) WITH (fillfactor = 60);
ALTER TABLE usom.order_line SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
COMMENT ON TABLE usom.order_line IS 'What is ordered: a product, a quantity, a price. The counters are kept from the pieces and always add up to the quantity.';
COMMENT ON COLUMN usom.order_line.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.order_line.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.order_line.line_no IS 'Number of the line with the order.';
COMMENT ON COLUMN usom.order_line.product_id IS 'Product.';
COMMENT ON COLUMN usom.order_line.quantity IS 'Units ordered.';
COMMENT ON COLUMN usom.order_line.unit_price IS 'Price of one unit.';
COMMENT ON COLUMN usom.order_line.total IS 'What the units that are not cancelled cost: of unit price times quantity, less discount, plus freight, plus tax unless it is included, the part that they have.';
COMMENT ON COLUMN usom.order_line.location_id IS 'Location that must serve the line; null: any.';
COMMENT ON COLUMN usom.order_line.requested_at IS 'When the customer wants the line; null: as the order.';
COMMENT ON COLUMN usom.order_line.substitution IS 'none or allowed.';
COMMENT ON COLUMN usom.order_line.partial IS 'Off: the line is reserved whole or not at all.';
COMMENT ON COLUMN usom.order_line.quantity_open IS 'Units that nobody has planned yet.';
COMMENT ON COLUMN usom.order_line.quantity_backordered IS 'Units that wait for stock.';
COMMENT ON COLUMN usom.order_line.quantity_reserved IS 'Units reserved in stock.';
COMMENT ON COLUMN usom.order_line.quantity_released IS 'Units handed to the location.';
COMMENT ON COLUMN usom.order_line.quantity_picked IS 'Units picked.';
COMMENT ON COLUMN usom.order_line.quantity_packed IS 'Units packed.';
COMMENT ON COLUMN usom.order_line.quantity_shipped IS 'Units on their way.';
COMMENT ON COLUMN usom.order_line.quantity_delivered IS 'Units the customer has.';
COMMENT ON COLUMN usom.order_line.quantity_returned IS 'Units that came back.';
COMMENT ON COLUMN usom.order_line.quantity_cancelled IS 'Units cancelled.';
COMMENT ON COLUMN usom.order_line.kit_line_no IS 'Of a component: line of its kit. Of a kit whose components are lines: its own number. Null: neither.';
COMMENT ON COLUMN usom.order_line.kit_quantity IS 'Of a component: units for one kit, as the kit was made when it was ordered.';
COMMENT ON COLUMN usom.order_line.discount IS 'Taken off, for all units of the line, cancelled ones too.';
COMMENT ON COLUMN usom.order_line.freight IS 'The line''s share of the freight, for all its units.';
COMMENT ON COLUMN usom.order_line.tax IS 'Tax on all units of the line and their freight.';
COMMENT ON COLUMN usom.order_line.tax_included IS 'On: the tax is in the prices.';
COMMENT ON COLUMN usom.order_line.decimals IS 'Decimals that its amounts are rounded to; null: nothing was added or taken off, the price stands as it came.';

CREATE TABLE usom.fulfillment_line (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	piece_no integer NOT NULL,
	product_id bigint NOT NULL,
	location_id bigint,
	lot text COLLATE "C" NOT NULL DEFAULT '',
	status usom.piece_status NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	promised_at timestamptz,
	shipment_id bigint,
	ships_on date,
	supply_id bigint,
	package_id bigint,
	PRIMARY KEY (org_id, sales_order_id, line_no, piece_no),
	CONSTRAINT fulfillment_line_is_sound CHECK (usom._piece_is_sound(status, location_id, supply_id, ships_on, shipment_id))
) WITH (fillfactor = 60);
ALTER TABLE usom.fulfillment_line SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
-- Not WHERE status = 'backordered': a status in an index would make every step of a piece a non-HOT update.
CREATE INDEX fulfillment_line_of_lot ON usom.fulfillment_line (org_id, lot, product_id) WHERE lot <> '';
CREATE INDEX fulfillment_line_waiting ON usom.fulfillment_line (org_id, product_id, sales_order_id) WHERE location_id IS NULL;
COMMENT ON TABLE usom.fulfillment_line IS 'A piece: some units of a line that share state, location, lot, promise and shipment. Kept by usom.';
COMMENT ON COLUMN usom.fulfillment_line.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.fulfillment_line.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.fulfillment_line.line_no IS 'Line.';
COMMENT ON COLUMN usom.fulfillment_line.piece_no IS 'Number of the piece with the line.';
COMMENT ON COLUMN usom.fulfillment_line.product_id IS 'Product.';
COMMENT ON COLUMN usom.fulfillment_line.location_id IS 'Location that serves it; null while it waits, and for services.';
COMMENT ON COLUMN usom.fulfillment_line.lot IS 'Lot it is taken from.';
COMMENT ON COLUMN usom.fulfillment_line.status IS 'State of the units.';
COMMENT ON COLUMN usom.fulfillment_line.quantity IS 'Units.';
COMMENT ON COLUMN usom.fulfillment_line.promised_at IS 'When it is promised; null: no date known.';
COMMENT ON COLUMN usom.fulfillment_line.shipment_id IS 'Shipment it left with.';
COMMENT ON COLUMN usom.fulfillment_line.ships_on IS 'Day at the clock of the location that the piece takes capacity of; null where the location has no limit.';
COMMENT ON COLUMN usom.fulfillment_line.supply_id IS 'Supply that a waiting piece counts on; null: none, or it does not wait.';
COMMENT ON COLUMN usom.fulfillment_line.package_id IS 'Package that its units are in; null: none.';

-- Where few orders stood when the tables were analyzed, each would seem to have
-- a large part of the rows, and a plan for some orders would read those of all.
ALTER TABLE usom.order_line ALTER COLUMN sales_order_id SET (n_distinct = -0.2);
ALTER TABLE usom.fulfillment_line ALTER COLUMN sales_order_id SET (n_distinct = -0.2);

CREATE TABLE usom.hold (
	org_id bigint NOT NULL,
	hold_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	line_no integer,
	piece_no integer,
	hold_type text NOT NULL CONSTRAINT hold_type_given CHECK (hold_type <> ''),
	reason text,
	blocks text[] NOT NULL CONSTRAINT hold_blocks_known CHECK (blocks <@ ARRAY['confirm', 'release', 'ship', 'change', 'cancel', 'close'] AND blocks <> '{}'),
	expires_at timestamptz,
	placed_at timestamptz NOT NULL DEFAULT now(),
	placed_by text NOT NULL DEFAULT session_user,
	released_at timestamptz,
	released_by text,
	release_reason text,
	check_code text,
	settled boolean NOT NULL DEFAULT false,
	PRIMARY KEY (org_id, hold_id),
	CONSTRAINT hold_piece_of_line CHECK (piece_no IS NULL OR line_no IS NOT NULL),
	CONSTRAINT hold_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT hold_released_iff_by CHECK ((released_at IS NULL) = (released_by IS NULL)),
	CONSTRAINT hold_settled_is_released CHECK (NOT settled OR released_at IS NOT NULL)
);
CREATE INDEX hold_of_order ON usom.hold (org_id, sales_order_id) WHERE released_at IS NULL;
COMMENT ON TABLE usom.hold IS 'A row that blocks named actions of an order until it is released or expires. Not a status: many may stand at once.';
COMMENT ON COLUMN usom.hold.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.hold.hold_id IS 'Key.';
COMMENT ON COLUMN usom.hold.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.hold.line_no IS 'Line; null: the whole order.';
COMMENT ON COLUMN usom.hold.piece_no IS 'Piece of the line; null: the whole line.';
COMMENT ON COLUMN usom.hold.hold_type IS 'Type, see hold_type; others block confirm, release and ship.';
COMMENT ON COLUMN usom.hold.reason IS 'Why.';
COMMENT ON COLUMN usom.hold.blocks IS 'Actions that fail while the hold is active.';
COMMENT ON COLUMN usom.hold.expires_at IS 'From then on it blocks nothing; null: until released.';
COMMENT ON COLUMN usom.hold.placed_at IS 'When it was placed.';
COMMENT ON COLUMN usom.hold.placed_by IS 'Session user who placed it.';
COMMENT ON COLUMN usom.hold.released_at IS 'When it was released by hand.';
COMMENT ON COLUMN usom.hold.released_by IS 'Session user who released it.';
COMMENT ON COLUMN usom.hold.release_reason IS 'Why it was released.';
COMMENT ON COLUMN usom.hold.settled IS 'On: it ended because its cause was gone; off: it stands, has expired, or somebody released it.';
COMMENT ON COLUMN usom.hold.check_code IS 'Check or hold rule that placed it; null: somebody did.';

CREATE TABLE usom.hold_type (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	code text NOT NULL,
	blocks text[] NOT NULL DEFAULT ARRAY['confirm', 'release', 'ship'] CONSTRAINT hold_type_blocks_known CHECK (blocks <@ ARRAY['confirm', 'release', 'ship', 'change', 'cancel', 'close'] AND blocks <> '{}'),
	description text,
	PRIMARY KEY (org_id, code)
);
COMMENT ON TABLE usom.hold_type IS 'What a hold of a type blocks.';
COMMENT ON COLUMN usom.hold_type.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.hold_type.code IS 'What hold_order names.';
COMMENT ON COLUMN usom.hold_type.blocks IS 'Any of confirm, release, ship, change, cancel, close.';
COMMENT ON COLUMN usom.hold_type.description IS 'Words for people.';
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.hold_type
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.hold_type ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER usom_furnish_hold_types AFTER INSERT ON usom.organisation
	FOR EACH ROW EXECUTE FUNCTION usom.furnish_hold_types();

CREATE TABLE usom.order_history (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	version integer NOT NULL,
	event text NOT NULL,
	from_status usom.order_status,
	to_status usom.order_status NOT NULL,
	line_no integer,
	quantity numeric,
	reason text,
	reference text,
	actor text NOT NULL DEFAULT session_user,
	app_user text,
	occurred_at timestamptz NOT NULL DEFAULT now(),
	flow_state text,
	PRIMARY KEY (org_id, sales_order_id, version)
);
COMMENT ON TABLE usom.order_history IS 'One row per change of an order: what was done, from which status to which, by whom and why. Append-only.';
COMMENT ON COLUMN usom.order_history.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.order_history.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.order_history.version IS 'Version of the order that the change made.';
COMMENT ON COLUMN usom.order_history.event IS 'Verb: place, submit, confirm, hold, release_hold, change, allocate, release, ship, deliver, cancel, close, return.';
COMMENT ON COLUMN usom.order_history.from_status IS 'Status before; null when the order was made.';
COMMENT ON COLUMN usom.order_history.to_status IS 'Status after.';
COMMENT ON COLUMN usom.order_history.line_no IS 'Line, where the change was about one.';
COMMENT ON COLUMN usom.order_history.quantity IS 'Units that the change moved.';
COMMENT ON COLUMN usom.order_history.reason IS 'Why, as the caller said.';
COMMENT ON COLUMN usom.order_history.reference IS 'Shipment, return or hold type.';
COMMENT ON COLUMN usom.order_history.actor IS 'Session user.';
COMMENT ON COLUMN usom.order_history.app_user IS 'Application user, as claimed by usom.app_user.';
COMMENT ON COLUMN usom.order_history.occurred_at IS 'Time of the transaction.';
COMMENT ON COLUMN usom.order_history.flow_state IS 'State of its flow after the change; null: it takes the built-in flow.';

CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.sales_order
	FOR EACH ROW EXECUTE FUNCTION usom._guard_order();
CREATE TRIGGER usom_guard_truncate BEFORE TRUNCATE ON usom.sales_order
	FOR EACH STATEMENT EXECUTE FUNCTION usom.guard_kept('kept', 'sales_order', 'usom.cancel_order()');
ALTER TABLE usom.sales_order ENABLE ALWAYS TRIGGER usom_guard, ENABLE ALWAYS TRIGGER usom_guard_truncate;

CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.order_line
	FOR EACH ROW EXECUTE FUNCTION usom._guard_line();
CREATE TRIGGER usom_guard_truncate BEFORE TRUNCATE ON usom.order_line
	FOR EACH STATEMENT EXECUTE FUNCTION usom.guard_kept('kept', 'order_line', 'usom.change_order()');
-- Named to fire before the triggers of the audit, which rely on the lock of the order.
CREATE TRIGGER add_up_insert AFTER INSERT ON usom.order_line REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._line_written();
CREATE TRIGGER add_up_update AFTER UPDATE ON usom.order_line REFERENCING OLD TABLE AS older NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._line_written();
CREATE TRIGGER add_up_delete AFTER DELETE ON usom.order_line REFERENCING OLD TABLE AS older
	FOR EACH STATEMENT EXECUTE FUNCTION usom._line_written();
ALTER TABLE usom.order_line ENABLE ALWAYS TRIGGER usom_guard, ENABLE ALWAYS TRIGGER usom_guard_truncate,
	ENABLE ALWAYS TRIGGER add_up_insert, ENABLE ALWAYS TRIGGER add_up_update, ENABLE ALWAYS TRIGGER add_up_delete;

CREATE TRIGGER usom_guard BEFORE INSERT OR DELETE OR TRUNCATE ON usom.fulfillment_line
	FOR EACH STATEMENT EXECUTE FUNCTION usom.guard_kept('kept', 'fulfillment_line', 'usom.place_order(), usom.change_order() or usom.cancel_line()');
CREATE TRIGGER usom_guard_update BEFORE UPDATE ON usom.fulfillment_line
	FOR EACH ROW EXECUTE FUNCTION usom._guard_piece();
ALTER TABLE usom.fulfillment_line ENABLE ALWAYS TRIGGER usom_guard, ENABLE ALWAYS TRIGGER usom_guard_update;

SELECT usom._guard_cards('sales_order');
SELECT usom._guard_cards('hold');
SELECT usom._guard_cards('hold_type');
SELECT usom._guard_kept('hold', 'usom.hold_order() or usom.release_hold()');
SELECT usom._guard_ledger('order_history', 'the function of the change');
SELECT usom._guard_master('hold_type', 'code');

SELECT usom._audit_table('sales_order');
SELECT usom._audit_table('order_line');
SELECT usom._audit_table('fulfillment_line');
SELECT usom._audit_table('hold');
SELECT usom._audit_table('order_history');
SELECT usom._audit_table('hold_type');

INSERT INTO usom.hold_type (org_id, code, blocks, description)
SELECT o.org_id, t.* FROM usom.organisation o CROSS JOIN usom._standard_hold_types() t;

CREATE TABLE usom.event (
	org_id bigint NOT NULL,
	event_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint,
	event_no integer,
	kind text NOT NULL CONSTRAINT event_kind_given CHECK (kind <> ''),
	payload jsonb NOT NULL,
	occurred_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, event_id),
	CONSTRAINT event_numbered_with_order UNIQUE (org_id, sales_order_id, event_no),
	CONSTRAINT event_numbered_iff_of_order CHECK ((sales_order_id IS NULL) = (event_no IS NULL))
);
COMMENT ON TABLE usom.event IS 'What customers and other systems are told, written in the transaction that did it. Append-only.';
COMMENT ON COLUMN usom.event.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.event.event_id IS 'Key.';
COMMENT ON COLUMN usom.event.sales_order_id IS 'Order; null: of none.';
COMMENT ON COLUMN usom.event.event_no IS 'Number with the order, from 1 without gaps; null: of none.';
COMMENT ON COLUMN usom.event.kind IS 'What happened: backordered, promise_changed, filled and others.';
COMMENT ON COLUMN usom.event.payload IS 'The particulars, in codes and numbers that people and other systems know.';
COMMENT ON COLUMN usom.event.occurred_at IS 'Time of the transaction.';

CREATE TABLE usom.exception_case (
	org_id bigint NOT NULL,
	exception_case_id bigint NOT NULL DEFAULT usom.next_id(),
	kind text NOT NULL CONSTRAINT exception_case_kind_given CHECK (kind <> ''),
	sales_order_id bigint,
	line_no integer,
	reference text,
	message text NOT NULL,
	detail jsonb,
	due_at timestamptz,
	raised_at timestamptz NOT NULL DEFAULT now(),
	resolved_at timestamptz,
	resolved_by text,
	resolution text,
	PRIMARY KEY (org_id, exception_case_id),
	CONSTRAINT exception_case_line_of_order CHECK (line_no IS NULL OR sales_order_id IS NOT NULL),
	CONSTRAINT exception_case_resolved_iff_by CHECK ((resolved_at IS NULL) = (resolved_by IS NULL) AND (resolved_at IS NULL) = (resolution IS NULL))
);
CREATE UNIQUE INDEX exception_case_open_once ON usom.exception_case (org_id, kind, sales_order_id, line_no, reference) NULLS NOT DISTINCT WHERE resolved_at IS NULL;
CREATE INDEX exception_case_of_order ON usom.exception_case (org_id, sales_order_id) WHERE sales_order_id IS NOT NULL;
COMMENT ON TABLE usom.exception_case IS 'What somebody should look at. Of one kind, order, line and reference at most one is open.';
COMMENT ON COLUMN usom.exception_case.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.exception_case.exception_case_id IS 'Key.';
COMMENT ON COLUMN usom.exception_case.kind IS 'What is wrong.';
COMMENT ON COLUMN usom.exception_case.sales_order_id IS 'Order; null: of none.';
COMMENT ON COLUMN usom.exception_case.line_no IS 'Line; null: of none.';
COMMENT ON COLUMN usom.exception_case.reference IS 'Supply, location, variant or what else tells it from others of its kind; null: nothing.';
COMMENT ON COLUMN usom.exception_case.message IS 'What is wrong, in words.';
COMMENT ON COLUMN usom.exception_case.detail IS 'The numbers.';
COMMENT ON COLUMN usom.exception_case.due_at IS 'When it is too late; null: no date known.';
COMMENT ON COLUMN usom.exception_case.raised_at IS 'Time of the transaction that met it first.';
COMMENT ON COLUMN usom.exception_case.resolved_at IS 'When it was closed; null: open.';
COMMENT ON COLUMN usom.exception_case.resolved_by IS 'Session user who closed it, or whose change took its cause away.';
COMMENT ON COLUMN usom.exception_case.resolution IS 'What was done.';

SELECT usom._guard_cards('exception_case');
SELECT usom._guard_ledger('event', 'the function of the change');
SELECT usom._guard_kept('exception_case', 'usom.resolve_exception()');
SELECT usom._audit_table('event');
SELECT usom._audit_table('exception_case');

CREATE TABLE usom.line_substitution (
	org_id bigint NOT NULL,
	substitution_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	substitute_line_no integer,
	product_id bigint NOT NULL,
	substitute_product_id bigint NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	substitute_quantity usom.positive_quantity NOT NULL,
	unit_price usom.price_amount NOT NULL,
	status text NOT NULL CONSTRAINT line_substitution_status_known CHECK (status IN ('proposed', 'accepted', 'declined')),
	automatic boolean NOT NULL,
	proposed_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz,
	decided_at timestamptz,
	decided_by text,
	reason text,
	PRIMARY KEY (org_id, substitution_id),
	CONSTRAINT line_substitution_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT line_substitution_line_iff_accepted CHECK ((substitute_line_no IS NOT NULL) = (status = 'accepted')),
	CONSTRAINT line_substitution_proposal_expires CHECK (status <> 'proposed' OR expires_at IS NOT NULL),
	CONSTRAINT line_substitution_decided_iff_by CHECK ((decided_at IS NULL) = (status = 'proposed') AND (decided_at IS NULL) = (decided_by IS NULL))
);
CREATE INDEX line_substitution_of_order ON usom.line_substitution (org_id, sales_order_id);
COMMENT ON TABLE usom.line_substitution IS 'Units of a line that another product takes the place of, or is offered to. What was ordered stays on its line, cancelled.';
COMMENT ON COLUMN usom.line_substitution.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.line_substitution.substitution_id IS 'Key.';
COMMENT ON COLUMN usom.line_substitution.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.line_substitution.line_no IS 'Line as it was ordered.';
COMMENT ON COLUMN usom.line_substitution.substitute_line_no IS 'Line of the substitute, once it is agreed.';
COMMENT ON COLUMN usom.line_substitution.product_id IS 'Product that is short.';
COMMENT ON COLUMN usom.line_substitution.substitute_product_id IS 'Product that takes its place.';
COMMENT ON COLUMN usom.line_substitution.quantity IS 'Units of the first.';
COMMENT ON COLUMN usom.line_substitution.substitute_quantity IS 'Units of the second.';
COMMENT ON COLUMN usom.line_substitution.unit_price IS 'Price of a unit of the second, in the currency of the order.';
COMMENT ON COLUMN usom.line_substitution.status IS 'proposed, accepted or declined. A proposal ends with expires_at, whatever stands here.';
COMMENT ON COLUMN usom.line_substitution.automatic IS 'On: the line agreed beforehand.';
COMMENT ON COLUMN usom.line_substitution.proposed_at IS 'When it was proposed or done.';
COMMENT ON COLUMN usom.line_substitution.expires_at IS 'From then on the proposal stands no more.';
COMMENT ON COLUMN usom.line_substitution.decided_at IS 'When it was accepted or declined.';
COMMENT ON COLUMN usom.line_substitution.decided_by IS 'Session user who did.';
COMMENT ON COLUMN usom.line_substitution.reason IS 'What the customer said.';

SELECT usom._guard_cards('line_substitution');
SELECT usom._guard_kept('line_substitution', 'usom.propose_substitution() or usom.accept_substitution()');
SELECT usom._audit_table('line_substitution');

CREATE TABLE usom.order_tax (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id bigint NOT NULL,
	jurisdiction text NOT NULL,
	amount usom.charge NOT NULL,
	included boolean NOT NULL,
	taxable usom.charge NOT NULL,
	told_at timestamptz NOT NULL DEFAULT statement_timestamp(),
	PRIMARY KEY (org_id, sales_order_id, line_no)
);
COMMENT ON TABLE usom.order_tax IS 'Taxes of lines that somebody outside worked out, as they were told. They stand before every tax rate; if the amount of the line changes later, the tax follows in proportion until it is told again.';
COMMENT ON COLUMN usom.order_tax.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.order_tax.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.order_tax.line_no IS 'Line.';
COMMENT ON COLUMN usom.order_tax.product_id IS 'What the line was about; for another product the tax does not stand.';
COMMENT ON COLUMN usom.order_tax.jurisdiction IS 'Whose tax it is, as it was told.';
COMMENT ON COLUMN usom.order_tax.amount IS 'Tax on all units of the line.';
COMMENT ON COLUMN usom.order_tax.included IS 'On: it is in the price.';
COMMENT ON COLUMN usom.order_tax.taxable IS 'What it was told for: goods of all units less discount plus freight.';
COMMENT ON COLUMN usom.order_tax.told_at IS 'When it was told last.';

SELECT usom._guard_cards('order_tax');
SELECT usom._guard_kept('order_tax', 'usom.set_order_tax()');
SELECT usom._audit_table('order_tax');

CREATE TABLE usom.hold_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	hold_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT hold_rule_code_given CHECK (code <> ''),
	hold_type text NOT NULL DEFAULT 'review' CONSTRAINT hold_rule_hold_type_given CHECK (hold_type <> ''),
	reason text,
	hold_for interval CONSTRAINT hold_rule_hold_for_positive CHECK (hold_for > interval '0'),
	looks_at text[] NOT NULL DEFAULT ARRAY['place', 'submit', 'change'] CONSTRAINT hold_rule_looks_at_known
		CHECK (looks_at <@ ARRAY['place', 'submit', 'change'] AND looks_at <> '{}'),
	when_held text CONSTRAINT hold_rule_when_held_given CHECK (when_held <> ''),
	channel text,
	customer text,
	segment text CONSTRAINT hold_rule_segment_given CHECK (segment <> ''),
	country text CONSTRAINT hold_rule_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	order_type usom.order_type,
	value_above usom.amount,
	currency usom.currency_code,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, hold_rule_id),
	CONSTRAINT hold_rule_code_unique UNIQUE (org_id, code),
	CONSTRAINT hold_rule_value_in_a_currency CHECK ((value_above IS NULL) = (currency IS NULL)),
	CONSTRAINT hold_rule_raises_another CHECK (when_held <> hold_type)
);
COMMENT ON TABLE usom.hold_rule IS 'Which orders are put on hold by themselves: those that all of its conditions fit, when they are placed, submitted or changed, or when a hold of another type is placed. Rules that raise each other in a circle are refused when they are written (US121).';
COMMENT ON COLUMN usom.hold_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.hold_rule.hold_rule_id IS 'Key.';
COMMENT ON COLUMN usom.hold_rule.code IS 'Name that the hold shows.';
COMMENT ON COLUMN usom.hold_rule.hold_type IS 'Type of the hold that it places.';
COMMENT ON COLUMN usom.hold_rule.reason IS 'Reason that the hold shows; null: its conditions.';
COMMENT ON COLUMN usom.hold_rule.hold_for IS 'How long the hold stands; null: until it is released.';
COMMENT ON COLUMN usom.hold_rule.looks_at IS 'When it looks: place, submit (of a draft), change. One with when_held looks when such a hold is placed.';
COMMENT ON COLUMN usom.hold_rule.when_held IS 'Type of a hold on the order: the rule follows when one is placed; null: no hold is asked for.';
COMMENT ON COLUMN usom.hold_rule.channel IS 'Code of the channel of the order; null: any.';
COMMENT ON COLUMN usom.hold_rule.customer IS 'Code of the customer of the order; null: any, guests too.';
COMMENT ON COLUMN usom.hold_rule.segment IS 'Segment of the customer; null: any, guests too.';
COMMENT ON COLUMN usom.hold_rule.country IS 'ISO 3166 code of two letters of the address; null: any.';
COMMENT ON COLUMN usom.hold_rule.order_type IS 'Flow of the order; null: any.';
COMMENT ON COLUMN usom.hold_rule.value_above IS 'Total of the order is more than this; null: any.';
COMMENT ON COLUMN usom.hold_rule.currency IS 'Currency of value_above: orders in others do not fit.';
COMMENT ON COLUMN usom.hold_rule.active IS 'Off: places no holds.';
COMMENT ON COLUMN usom.hold_rule.created_at IS 'When the row was made.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.hold_rule
	FOR EACH ROW EXECUTE FUNCTION usom._check_hold_rule();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.hold_rule
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('hold_rule');
ALTER TABLE usom.hold_rule ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('hold_rule');
SELECT usom._guard_master('hold_rule', 'code');
SELECT usom._audit_table('hold_rule');
