-- step 10
CREATE TABLE usom.pickup (
	org_id bigint NOT NULL,
	pickup_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	location_id bigint NOT NULL,
	status text NOT NULL CONSTRAINT pickup_status_known CHECK (status IN ('ready', 'rejected', 'collected', 'put_back', 'withdrawn')),
	ready_at timestamptz,
	collect_until timestamptz,
	reason text,
	ended_at timestamptz,
	PRIMARY KEY (org_id, pickup_id),
	CONSTRAINT pickup_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT pickup_window_iff_was_ready CHECK ((ready_at IS NULL) = (collect_until IS NULL)),
	CONSTRAINT pickup_was_ready_unless_rejected CHECK (status = 'rejected' OR ready_at IS NOT NULL),
	CONSTRAINT pickup_ended_iff_over CHECK (status = 'rejected' OR (status = 'ready') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX pickup_open_once ON usom.pickup (org_id, sales_order_id) WHERE ended_at IS NULL;
CREATE INDEX pickup_of_order_ever ON usom.pickup (org_id, sales_order_id);
COMMENT ON TABLE usom.pickup IS 'What was put aside for a customer who fetches it, or what a store could not put aside. Of an order at most one is open; written under the lock of the order.';
COMMENT ON COLUMN usom.pickup.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.pickup.pickup_id IS 'Key.';
COMMENT ON COLUMN usom.pickup.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.pickup.location_id IS 'Where it is fetched.';
COMMENT ON COLUMN usom.pickup.status IS 'ready, rejected (the store cannot serve it: somebody decides, then it has an end), collected, put_back (nobody came) or withdrawn (cancelled before it was fetched). That the time is over is read from collect_until.';
COMMENT ON COLUMN usom.pickup.ready_at IS 'When the customer was told that it is ready; null: never.';
COMMENT ON COLUMN usom.pickup.collect_until IS 'Until when it is kept for the customer.';
COMMENT ON COLUMN usom.pickup.reason IS 'Why it was rejected or put back.';
COMMENT ON COLUMN usom.pickup.ended_at IS 'When it was fetched, put back, withdrawn, or decided about; null: open.';

CREATE TABLE usom.drop_ship_receipt (
	org_id bigint NOT NULL,
	drop_ship_receipt_id bigint NOT NULL DEFAULT usom.next_id(),
	supply_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	reference text CONSTRAINT drop_ship_receipt_reference_given CHECK (reference <> ''),
	quantity usom.quantity NOT NULL DEFAULT 0,
	delivered usom.quantity NOT NULL DEFAULT 0,
	surplus usom.quantity NOT NULL DEFAULT 0,
	shipment_id bigint,
	received_at timestamptz NOT NULL DEFAULT now(),
	received_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, drop_ship_receipt_id),
	CONSTRAINT drop_ship_receipt_once UNIQUE (org_id, supply_id, reference),
	CONSTRAINT drop_ship_receipt_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT drop_ship_receipt_adds_up CHECK (quantity = delivered + surplus),
	CONSTRAINT drop_ship_receipt_shipped_if_delivered CHECK (shipment_id IS NULL OR delivered > 0)
);
CREATE INDEX drop_ship_receipt_of_line ON usom.drop_ship_receipt (org_id, sales_order_id, line_no);
COMMENT ON TABLE usom.drop_ship_receipt IS 'What a supplier sent straight to a customer, one row for each message about it. The row is written before the order is locked: of two messages with one reference the second waits for the first.';
COMMENT ON COLUMN usom.drop_ship_receipt.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.drop_ship_receipt.drop_ship_receipt_id IS 'Key.';
COMMENT ON COLUMN usom.drop_ship_receipt.supply_id IS 'Supply that it was expected of.';
COMMENT ON COLUMN usom.drop_ship_receipt.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.drop_ship_receipt.line_no IS 'Line.';
COMMENT ON COLUMN usom.drop_ship_receipt.reference IS 'Delivery note or message of the supplier, once for a supply; null: none.';
COMMENT ON COLUMN usom.drop_ship_receipt.quantity IS 'Units that the supplier says it sent.';
COMMENT ON COLUMN usom.drop_ship_receipt.delivered IS 'Of them, units that the line wanted.';
COMMENT ON COLUMN usom.drop_ship_receipt.surplus IS 'Of them, units that nobody wants any more: an exception says so.';
COMMENT ON COLUMN usom.drop_ship_receipt.shipment_id IS 'Shipment that they left with; null: none, or a hold kept them.';
COMMENT ON COLUMN usom.drop_ship_receipt.received_at IS 'When the message came.';
COMMENT ON COLUMN usom.drop_ship_receipt.received_by IS 'Session user who recorded it.';

CREATE TABLE usom.technician (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	technician_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT technician_code_given CHECK (code <> ''),
	name text,
	time_zone text NOT NULL DEFAULT 'UTC',
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, technician_id),
	CONSTRAINT technician_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.technician IS 'Who does service work at customers.';
COMMENT ON COLUMN usom.technician.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.technician.technician_id IS 'Key.';
COMMENT ON COLUMN usom.technician.code IS 'What functions name; a number or a name for work, not more about the person than work needs.';
COMMENT ON COLUMN usom.technician.name IS 'Name for people.';
COMMENT ON COLUMN usom.technician.time_zone IS 'Clock of the working hours: a name of pg_timezone_names.';
COMMENT ON COLUMN usom.technician.active IS 'Off: gets no new appointments.';
COMMENT ON COLUMN usom.technician.created_at IS 'When the row was made.';

CREATE TABLE usom.technician_skill (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	technician_id bigint NOT NULL,
	skill text NOT NULL CONSTRAINT technician_skill_given CHECK (skill <> ''),
	valid_until date,
	PRIMARY KEY (org_id, technician_id, skill),
	CONSTRAINT technician_skill_of_technician FOREIGN KEY (org_id, technician_id) REFERENCES usom.technician ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.technician_skill IS 'What a technician can do, or is certified for.';
COMMENT ON COLUMN usom.technician_skill.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.technician_skill.technician_id IS 'Technician, see usom.technician_id().';
COMMENT ON COLUMN usom.technician_skill.skill IS 'Word that service_work names, too.';
COMMENT ON COLUMN usom.technician_skill.valid_until IS 'Last day of the certificate; null: it does not run out.';

CREATE TABLE usom.technician_hours (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	technician_id bigint NOT NULL,
	weekday integer NOT NULL CONSTRAINT technician_hours_weekday_known CHECK (weekday BETWEEN 1 AND 7),
	begins time NOT NULL,
	ends time NOT NULL,
	PRIMARY KEY (org_id, technician_id, weekday, begins),
	CONSTRAINT technician_hours_of_technician FOREIGN KEY (org_id, technician_id) REFERENCES usom.technician ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT technician_hours_end_after_begin CHECK (begins < ends),
	CONSTRAINT technician_hours_do_not_overlap EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		int8range(technician_id, technician_id, '[]') WITH =,
		tsrange(date '0001-01-01' + (weekday - 1) + begins, date '0001-01-01' + (weekday - 1) + ends) WITH &&)
);
COMMENT ON TABLE usom.technician_hours IS 'When a technician works, by the clock of the technician. Without any hours, at any time.';
COMMENT ON COLUMN usom.technician_hours.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.technician_hours.technician_id IS 'Technician, see usom.technician_id().';
COMMENT ON COLUMN usom.technician_hours.weekday IS '1 Monday to 7 Sunday.';
COMMENT ON COLUMN usom.technician_hours.begins IS 'Local time from which on appointments may begin.';
COMMENT ON COLUMN usom.technician_hours.ends IS 'Local time at which the last one ends; 24:00 is the end of the day.';
COMMENT ON CONSTRAINT technician_hours_do_not_overlap ON usom.technician_hours IS 'Hours of one weekday stand beside each other.';

CREATE TABLE usom.service_work (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	product_id bigint NOT NULL,
	minutes integer NOT NULL DEFAULT 60 CONSTRAINT service_work_minutes_sane CHECK (minutes BETWEEN 1 AND 1440),
	skills text[] NOT NULL DEFAULT '{}' CONSTRAINT service_work_skills_given CHECK (array_position(skills, NULL) IS NULL AND array_position(skills, '') IS NULL),
	PRIMARY KEY (org_id, product_id),
	CONSTRAINT service_work_of_product FOREIGN KEY (org_id, product_id) REFERENCES usom.product ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.service_work IS 'How long the work of a service takes and what it asks of the technician. A service without a row takes an hour and asks for nothing.';
COMMENT ON COLUMN usom.service_work.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.service_work.product_id IS 'The service: usom.product_id(''sku'').';
COMMENT ON COLUMN usom.service_work.minutes IS 'Minutes of an appointment.';
COMMENT ON COLUMN usom.service_work.skills IS 'All of these the technician needs.';

CREATE TABLE usom.appointment (
	org_id bigint NOT NULL,
	appointment_id bigint NOT NULL DEFAULT usom.next_id(),
	appointment_no text NOT NULL,
	sales_order_id bigint,
	line_no integer,
	technician_id bigint NOT NULL,
	during tstzrange NOT NULL,
	status text NOT NULL CONSTRAINT appointment_status_known CHECK (status IN ('booked', 'done', 'moved', 'cancelled', 'failed')),
	reason text,
	moved_from bigint,
	booked_at timestamptz NOT NULL DEFAULT now(),
	booked_by text NOT NULL DEFAULT session_user,
	ended_at timestamptz,
	PRIMARY KEY (org_id, appointment_id),
	CONSTRAINT appointment_no_unique UNIQUE (org_id, appointment_no),
	CONSTRAINT appointment_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT appointment_of_line_iff_of_order CHECK ((sales_order_id IS NULL) = (line_no IS NULL)),
	CONSTRAINT appointment_has_bounds CHECK (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during) AND lower_inc(during) AND NOT upper_inc(during)),
	CONSTRAINT appointment_ended_iff_over CHECK ((status = 'booked') = (ended_at IS NULL)),
	CONSTRAINT technician_booked_once EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		int8range(technician_id, technician_id, '[]') WITH =,
		during WITH &&) WHERE (status = 'booked')
);
CREATE UNIQUE INDEX appointment_open_once ON usom.appointment (org_id, sales_order_id, line_no) WHERE status = 'booked' AND sales_order_id IS NOT NULL;
CREATE INDEX appointment_of_order_ever ON usom.appointment (org_id, sales_order_id) WHERE sales_order_id IS NOT NULL;
COMMENT ON TABLE usom.appointment IS 'When a technician works on an order line; without an order, when a technician is away. Nobody is booked twice for one time: technician_booked_once.';
COMMENT ON COLUMN usom.appointment.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.appointment.appointment_id IS 'Key.';
COMMENT ON COLUMN usom.appointment.appointment_no IS 'Number for people.';
COMMENT ON COLUMN usom.appointment.sales_order_id IS 'Order; null: an absence.';
COMMENT ON COLUMN usom.appointment.line_no IS 'Line of the service; null: an absence.';
COMMENT ON COLUMN usom.appointment.technician_id IS 'Technician.';
COMMENT ON COLUMN usom.appointment.during IS 'From when to when.';
COMMENT ON COLUMN usom.appointment.status IS 'booked, done, moved (another one took its place), cancelled or failed (the technician could not work).';
COMMENT ON COLUMN usom.appointment.reason IS 'Why it was moved, cancelled or failed, or why the technician is away.';
COMMENT ON COLUMN usom.appointment.moved_from IS 'Appointment that it took the place of.';
COMMENT ON COLUMN usom.appointment.booked_at IS 'When it was booked.';
COMMENT ON COLUMN usom.appointment.booked_by IS 'Session user who did.';
COMMENT ON COLUMN usom.appointment.ended_at IS 'When it was done, moved, cancelled or failed; null: it stands.';
COMMENT ON CONSTRAINT technician_booked_once ON usom.appointment IS 'No technician has two appointments at one time. Range classes of GiST compare the keys, so that no other extension is needed.';

CREATE TABLE usom.service_report (
	org_id bigint NOT NULL,
	appointment_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	paper jsonb NOT NULL CONSTRAINT service_report_paper_is_object CHECK (jsonb_typeof(paper) = 'object'),
	reported_at timestamptz NOT NULL DEFAULT now(),
	reported_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, appointment_id),
	CONSTRAINT service_report_of_appointment FOREIGN KEY (org_id, appointment_id) REFERENCES usom.appointment ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.service_report IS 'Completion papers: what was done, and with which parts, as it was told. They are not changed.';
COMMENT ON COLUMN usom.service_report.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.service_report.appointment_id IS 'Appointment.';
COMMENT ON COLUMN usom.service_report.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.service_report.line_no IS 'Line of the service.';
COMMENT ON COLUMN usom.service_report.paper IS 'The paper.';
COMMENT ON COLUMN usom.service_report.reported_at IS 'When it was told.';
COMMENT ON COLUMN usom.service_report.reported_by IS 'Session user who told it.';

CREATE VIEW usom.pickups WITH (security_invoker = true) AS
SELECT o.order_no, l.code AS location,
	CASE WHEN p.status = 'ready' AND p.collect_until <= statement_timestamp() THEN 'missed' ELSE p.status END AS status,
	p.ended_at IS NULL AS open,
	(SELECT coalesce(trim_scale(sum(f.quantity)), 0) FROM usom.fulfillment_line f
	 WHERE f.org_id = p.org_id AND f.sales_order_id = p.sales_order_id AND f.location_id = p.location_id
		AND f.status IN ('picked', 'packed') AND p.status = 'ready') AS quantity_ready,
	p.ready_at, p.collect_until, p.reason, p.ended_at
FROM usom.pickup p
JOIN usom.sales_order o ON o.org_id = p.org_id AND o.sales_order_id = p.sales_order_id
LEFT JOIN usom.location l ON l.org_id = p.org_id AND l.location_id = p.location_id
WHERE p.org_id = usom.current_org();
COMMENT ON VIEW usom.pickups IS 'What stores have put aside for customers, and what they could not.';
COMMENT ON COLUMN usom.pickups.order_no IS 'Order.';
COMMENT ON COLUMN usom.pickups.location IS 'Where it is fetched.';
COMMENT ON COLUMN usom.pickups.status IS 'ready, missed (ready, and the time is over), rejected, collected, put_back or withdrawn.';
COMMENT ON COLUMN usom.pickups.open IS 'True: the customer may come, or somebody has to decide.';
COMMENT ON COLUMN usom.pickups.quantity_ready IS 'Units that are put aside now.';
COMMENT ON COLUMN usom.pickups.ready_at IS 'When the customer was told.';
COMMENT ON COLUMN usom.pickups.collect_until IS 'Until when it is kept.';
COMMENT ON COLUMN usom.pickups.reason IS 'Why it was rejected or put back.';
COMMENT ON COLUMN usom.pickups.ended_at IS 'When it ended; null: open.';

CREATE VIEW usom.drop_ship_receipts WITH (security_invoker = true) AS
SELECT o.order_no, r.line_no, s.supply_no, r.reference, trim_scale(r.quantity) AS quantity, trim_scale(r.delivered) AS delivered,
	trim_scale(r.surplus) AS surplus, h.shipment_no, r.received_at, r.received_by
FROM usom.drop_ship_receipt r
JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id
LEFT JOIN usom.supply s ON s.org_id = r.org_id AND s.supply_id = r.supply_id
LEFT JOIN usom.shipment h ON h.org_id = r.org_id AND h.shipment_id = r.shipment_id
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.drop_ship_receipts IS 'What suppliers sent straight to customers.';
COMMENT ON COLUMN usom.drop_ship_receipts.order_no IS 'Order.';
COMMENT ON COLUMN usom.drop_ship_receipts.line_no IS 'Line.';
COMMENT ON COLUMN usom.drop_ship_receipts.supply_no IS 'Supply that it was expected of.';
COMMENT ON COLUMN usom.drop_ship_receipts.reference IS 'Delivery note or message of the supplier.';
COMMENT ON COLUMN usom.drop_ship_receipts.quantity IS 'Units that the supplier says it sent.';
COMMENT ON COLUMN usom.drop_ship_receipts.delivered IS 'Of them, units that the line wanted.';
COMMENT ON COLUMN usom.drop_ship_receipts.surplus IS 'Of them, units that nobody wants any more.';
COMMENT ON COLUMN usom.drop_ship_receipts.shipment_no IS 'Shipment that they left with.';
COMMENT ON COLUMN usom.drop_ship_receipts.received_at IS 'When the message came.';
COMMENT ON COLUMN usom.drop_ship_receipts.received_by IS 'Session user who recorded it.';

CREATE VIEW usom.technicians WITH (security_invoker = true) AS
SELECT t.code AS technician, t.name, t.time_zone, t.active,
	ARRAY(SELECT s.skill FROM usom.technician_skill s WHERE s.org_id = t.org_id AND s.technician_id = t.technician_id
		AND (s.valid_until IS NULL OR s.valid_until >= (now() AT TIME ZONE t.time_zone)::date) ORDER BY s.skill COLLATE "C") AS skills
FROM usom.technician t
WHERE t.org_id = usom.current_org();
COMMENT ON VIEW usom.technicians IS 'Technicians of the caller''s organisation and what they can do today.';
COMMENT ON COLUMN usom.technicians.technician IS 'Code.';
COMMENT ON COLUMN usom.technicians.name IS 'Name for people.';
COMMENT ON COLUMN usom.technicians.time_zone IS 'Clock of the working hours.';
COMMENT ON COLUMN usom.technicians.active IS 'False: gets no new appointments.';
COMMENT ON COLUMN usom.technicians.skills IS 'Skills that have not run out.';

CREATE VIEW usom.appointments WITH (security_invoker = true) AS
SELECT a.appointment_no, o.order_no, a.line_no, p.sku, t.code AS technician, lower(a.during) AS starts_at, upper(a.during) AS ends_at,
	CASE WHEN a.sales_order_id IS NULL AND a.status = 'booked' THEN 'away' ELSE a.status END AS status, a.reason,
	CASE WHEN a.status = 'booked' AND a.sales_order_id IS NOT NULL THEN NOT EXISTS (
		SELECT FROM usom.fulfillment_line f JOIN usom.product x ON x.org_id = f.org_id AND x.product_id = f.product_id AND x.kind = 'physical'
		WHERE f.org_id = a.org_id AND f.sales_order_id = a.sales_order_id AND f.status = 'backordered'
			AND coalesce(f.promised_at > lower(a.during), true)) END AS parts_ready,
	(SELECT b.appointment_no FROM usom.appointment b WHERE b.org_id = a.org_id AND b.appointment_id = a.moved_from) AS moved_from,
	a.booked_at, a.booked_by, a.ended_at
FROM usom.appointment a
LEFT JOIN usom.sales_order o ON o.org_id = a.org_id AND o.sales_order_id = a.sales_order_id
LEFT JOIN usom.order_line l ON l.org_id = a.org_id AND l.sales_order_id = a.sales_order_id AND l.line_no = a.line_no
LEFT JOIN usom.product p ON p.org_id = a.org_id AND p.product_id = l.product_id
LEFT JOIN usom.technician t ON t.org_id = a.org_id AND t.technician_id = a.technician_id
WHERE a.org_id = usom.current_org();
COMMENT ON VIEW usom.appointments IS 'When technicians work on which orders, or are away.';
COMMENT ON COLUMN usom.appointments.appointment_no IS 'Number.';
COMMENT ON COLUMN usom.appointments.order_no IS 'Order; null: an absence.';
COMMENT ON COLUMN usom.appointments.line_no IS 'Line of the service.';
COMMENT ON COLUMN usom.appointments.sku IS 'The service.';
COMMENT ON COLUMN usom.appointments.technician IS 'Code of the technician.';
COMMENT ON COLUMN usom.appointments.starts_at IS 'When it begins.';
COMMENT ON COLUMN usom.appointments.ends_at IS 'When it ends.';
COMMENT ON COLUMN usom.appointments.status IS 'booked, away (an absence that stands), done, moved, cancelled or failed.';
COMMENT ON COLUMN usom.appointments.reason IS 'Why it was moved, cancelled or failed, or why the technician is away.';
COMMENT ON COLUMN usom.appointments.parts_ready IS 'True: the parts of the order are there, or promised for before it begins. Null unless booked.';
COMMENT ON COLUMN usom.appointments.moved_from IS 'Appointment that it took the place of.';
COMMENT ON COLUMN usom.appointments.booked_at IS 'When it was booked.';
COMMENT ON COLUMN usom.appointments.booked_by IS 'Session user who did.';
COMMENT ON COLUMN usom.appointments.ended_at IS 'When it was done, moved, cancelled or failed.';

CREATE VIEW usom.service_papers WITH (security_invoker = true) AS
SELECT a.appointment_no, o.order_no, r.line_no, r.paper, r.reported_at, r.reported_by
FROM usom.service_report r
JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id
JOIN usom.appointment a ON a.org_id = r.org_id AND a.appointment_id = r.appointment_id
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.service_papers IS 'Completion papers of service work.';
COMMENT ON COLUMN usom.service_papers.appointment_no IS 'Appointment.';
COMMENT ON COLUMN usom.service_papers.order_no IS 'Order.';
COMMENT ON COLUMN usom.service_papers.line_no IS 'Line of the service.';
COMMENT ON COLUMN usom.service_papers.paper IS 'Appointment, order, service, technician, times, work, parts used and left over, and whether the customer accepted it.';
COMMENT ON COLUMN usom.service_papers.reported_at IS 'When it was told.';
COMMENT ON COLUMN usom.service_papers.reported_by IS 'Session user who told it.';

CREATE TRIGGER usom_time_zone BEFORE INSERT OR UPDATE OF time_zone ON usom.technician
	FOR EACH ROW EXECUTE FUNCTION usom._check_time_zone();
ALTER TABLE usom.technician ENABLE ALWAYS TRIGGER usom_time_zone;
CREATE TRIGGER usom_service_work BEFORE INSERT OR UPDATE ON usom.service_work
	FOR EACH ROW EXECUTE FUNCTION usom._check_service_work();

SELECT usom._guard_cards('pickup');
SELECT usom._guard_cards('drop_ship_receipt');
SELECT usom._guard_cards('technician');
SELECT usom._guard_cards('technician_skill');
SELECT usom._guard_cards('service_work');
SELECT usom._guard_cards('appointment');
SELECT usom._guard_cards('service_report');
SELECT usom._guard_master('technician', 'code');
SELECT usom._guard_kept('pickup', 'usom.ready_pickup() or usom.reject_pickup()');
SELECT usom._guard_kept('drop_ship_receipt', 'usom.receive_drop_ship()');
SELECT usom._guard_kept('appointment', 'usom.book_appointment() or usom.cancel_appointment()');
SELECT usom._guard_ledger('service_report', 'usom.complete_service()');
SELECT usom._audit_table('pickup');
SELECT usom._audit_table('drop_ship_receipt');
SELECT usom._audit_table('technician');
SELECT usom._audit_table('technician_skill');
SELECT usom._audit_table('technician_hours');
SELECT usom._audit_table('service_work');
SELECT usom._audit_table('appointment');
SELECT usom._audit_table('service_report');
