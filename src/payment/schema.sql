-- step 1
CREATE TABLE usom.payment_method (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	payment_method_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT payment_method_code_given CHECK (code <> ''),
	name text,
	terms text NOT NULL DEFAULT 'prepaid' CONSTRAINT payment_method_terms_known CHECK (terms IN ('prepaid', 'on_account', 'cod')),
	cover text NOT NULL DEFAULT 'none' CONSTRAINT payment_method_cover_known CHECK (cover IN ('none', 'release', 'ship')),
	days_due integer NOT NULL DEFAULT 30 CONSTRAINT payment_method_days_not_negative CHECK (days_due BETWEEN 0 AND 3650),
	valid_for interval CONSTRAINT payment_method_valid_for_some_time CHECK (valid_for > interval '0'),
	late_capture text NOT NULL DEFAULT 'accept' CONSTRAINT payment_method_late_capture_known CHECK (late_capture IN ('accept', 'refuse')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, payment_method_id),
	CONSTRAINT payment_method_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.payment_method IS 'How customers pay, and on which terms. A method that has no row is prepaid and demands nothing.';
COMMENT ON COLUMN usom.payment_method.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.payment_method.payment_method_id IS 'Key.';
COMMENT ON COLUMN usom.payment_method.code IS 'What payment.method of the order document names.';
COMMENT ON COLUMN usom.payment_method.name IS 'Name for people.';
COMMENT ON COLUMN usom.payment_method.terms IS 'prepaid: what is authorised is captured shipment by shipment. on_account: each shipment is to be paid days_due after it left. cod: each shipment is paid when it is delivered.';
COMMENT ON COLUMN usom.payment_method.cover IS 'What the order costs must be authorised or paid before it is released (release) or shipped (ship); none: never asked for.';
COMMENT ON COLUMN usom.payment_method.days_due IS 'Of on_account: days from shipment to payment.';
COMMENT ON COLUMN usom.payment_method.valid_for IS 'How long an authorisation holds that says nothing itself; null: without end.';
COMMENT ON COLUMN usom.payment_method.late_capture IS 'A capture that comes after the authorisation has expired: accept (it is recorded, and a case) or refuse (US503).';
COMMENT ON COLUMN usom.payment_method.active IS 'Off: nothing new is paid so.';
COMMENT ON COLUMN usom.payment_method.created_at IS 'When the row was made.';

CREATE TABLE usom.payment (
	org_id bigint NOT NULL,
	payment_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	payment_no integer NOT NULL,
	method text NOT NULL CONSTRAINT payment_method_given CHECK (method <> ''),
	reference text CONSTRAINT payment_reference_given CHECK (reference <> ''),
	currency usom.currency_code NOT NULL,
	authorized usom.charge NOT NULL DEFAULT 0,
	voided usom.charge NOT NULL DEFAULT 0,
	captured usom.charge NOT NULL DEFAULT 0,
	capture_wanted usom.charge NOT NULL DEFAULT 0,
	refunded usom.charge NOT NULL DEFAULT 0,
	refund_wanted usom.charge NOT NULL DEFAULT 0,
	charged_back usom.charge NOT NULL DEFAULT 0,
	expires_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, payment_id),
	CONSTRAINT payment_numbered_with_order UNIQUE (org_id, sales_order_id, payment_no),
	CONSTRAINT payment_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT payment_captured_within_authorized CHECK (captured + voided <= authorized),
	CONSTRAINT payment_refunded_within_captured CHECK (refunded + refund_wanted + charged_back <= captured)
) WITH (fillfactor = 60);
CREATE UNIQUE INDEX payment_reference_unique ON usom.payment (org_id, reference) WHERE reference IS NOT NULL;
COMMENT ON TABLE usom.payment IS 'What an order is paid with: one row for an instrument, with what was authorised and became of it. Kept from payment_transaction and payment_request, under the lock of the order.';
COMMENT ON COLUMN usom.payment.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.payment.payment_id IS 'Key.';
COMMENT ON COLUMN usom.payment.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.payment.payment_no IS 'Number with the order, from 1: shipments are captured from the lowest first, refunds go to the highest first.';
COMMENT ON COLUMN usom.payment.method IS 'Code of the method, see payment_method.';
COMMENT ON COLUMN usom.payment.reference IS 'Reference that the payment provider gave; null: none.';
COMMENT ON COLUMN usom.payment.currency IS 'ISO 4217 code of the amounts: that of the order.';
COMMENT ON COLUMN usom.payment.authorized IS 'Authorised, all in all.';
COMMENT ON COLUMN usom.payment.voided IS 'Of that, given up.';
COMMENT ON COLUMN usom.payment.captured IS 'Of that, taken.';
COMMENT ON COLUMN usom.payment.capture_wanted IS 'Asked of the provider to be captured and not answered yet.';
COMMENT ON COLUMN usom.payment.refunded IS 'Of what was captured, given back.';
COMMENT ON COLUMN usom.payment.refund_wanted IS 'Asked of the provider to be refunded and not answered yet.';
COMMENT ON COLUMN usom.payment.charged_back IS 'Of what was captured, taken back by the buyer''s bank, and not given back since.';
COMMENT ON COLUMN usom.payment.expires_at IS 'From then on what is authorised and not captured covers nothing; null: without end.';
COMMENT ON COLUMN usom.payment.created_at IS 'When the row was made.';

CREATE TABLE usom.payment_line (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	captured usom.charge NOT NULL DEFAULT 0,
	captured_tax usom.charge NOT NULL DEFAULT 0,
	capture_wanted usom.charge NOT NULL DEFAULT 0,
	refunded usom.charge NOT NULL DEFAULT 0,
	refunded_tax usom.charge NOT NULL DEFAULT 0,
	refund_wanted usom.charge NOT NULL DEFAULT 0,
	refund_wanted_tax usom.charge NOT NULL DEFAULT 0,
	for_units usom.charge NOT NULL DEFAULT 0,
	for_freight usom.charge NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, sales_order_id, line_no),
	CONSTRAINT payment_line_refunded_within_captured CHECK (refunded + refund_wanted <= captured),
	CONSTRAINT payment_line_tax_within_captured CHECK (refunded_tax + refund_wanted_tax <= captured_tax)
) WITH (fillfactor = 60);
COMMENT ON TABLE usom.payment_line IS 'What was captured for a line of an order and went back, whatever it was paid with. Kept from payment_transaction and payment_request, under the lock of the order.';
COMMENT ON COLUMN usom.payment_line.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.payment_line.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.payment_line.line_no IS 'Line; 0: what was captured beyond the lines.';
COMMENT ON COLUMN usom.payment_line.captured IS 'Captured for the line.';
COMMENT ON COLUMN usom.payment_line.captured_tax IS 'Of that, tax.';
COMMENT ON COLUMN usom.payment_line.capture_wanted IS 'Asked of providers to be captured and not answered yet.';
COMMENT ON COLUMN usom.payment_line.refunded IS 'Given back or charged back.';
COMMENT ON COLUMN usom.payment_line.refunded_tax IS 'Of that, tax.';
COMMENT ON COLUMN usom.payment_line.refund_wanted IS 'Asked of providers to be refunded and not answered yet.';
COMMENT ON COLUMN usom.payment_line.refund_wanted_tax IS 'Of that, tax.';
COMMENT ON COLUMN usom.payment_line.for_units IS 'Of what was refunded or is asked for, the amount for units that came back or were cancelled.';
COMMENT ON COLUMN usom.payment_line.for_freight IS 'The amount for freight.';

CREATE TABLE usom.payment_request (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	request_no integer NOT NULL,
	payment_id bigint NOT NULL,
	kind text NOT NULL CONSTRAINT payment_request_kind_known CHECK (kind IN ('capture', 'void', 'refund', 'invoice', 'credit')),
	amount usom.charge NOT NULL CONSTRAINT payment_request_of_something CHECK (amount > 0),
	reference text,
	lines jsonb,
	reason text,
	due_at timestamptz,
	status text NOT NULL DEFAULT 'wanted' CONSTRAINT payment_request_status_known CHECK (status IN ('wanted', 'done', 'failed', 'withdrawn')),
	wanted_at timestamptz NOT NULL DEFAULT now(),
	answered_at timestamptz,
	PRIMARY KEY (org_id, sales_order_id, request_no),
	CONSTRAINT payment_request_of_payment FOREIGN KEY (org_id, payment_id) REFERENCES usom.payment ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT payment_request_answered_iff_dated CHECK ((status = 'wanted') = (answered_at IS NULL)),
	CONSTRAINT payment_request_due_iff_invoice CHECK ((kind = 'invoice') = (due_at IS NOT NULL))
);
COMMENT ON TABLE usom.payment_request IS 'What the payment provider is asked to do: each left as an event, and is answered by record_payment().';
COMMENT ON COLUMN usom.payment_request.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.payment_request.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.payment_request.request_no IS 'Number with the order, from 1; with the number of the order it is the name of the request: SO-000001/1.';
COMMENT ON COLUMN usom.payment_request.payment_id IS 'Payment.';
COMMENT ON COLUMN usom.payment_request.kind IS 'capture, void, refund, invoice: a shipment on account, to be paid by due_at, or credit: units on account that came back before they were paid; the invoice is withdrawn and asked for anew without them.';
COMMENT ON COLUMN usom.payment_request.amount IS 'Amount, in the currency of the order.';
COMMENT ON COLUMN usom.payment_request.reference IS 'Shipment or return that it is for; null: none.';
COMMENT ON COLUMN usom.payment_request.lines IS 'Shares of the lines: line_no, amount, tax, and of refunds units, freight (amounts of it that are for these).';
COMMENT ON COLUMN usom.payment_request.reason IS 'Why, as the caller said.';
COMMENT ON COLUMN usom.payment_request.due_at IS 'Of an invoice: when it is to be paid.';
COMMENT ON COLUMN usom.payment_request.status IS 'wanted, done, failed or withdrawn.';
COMMENT ON COLUMN usom.payment_request.wanted_at IS 'Time of the transaction that asked.';
COMMENT ON COLUMN usom.payment_request.answered_at IS 'When it was answered or withdrawn; null: not yet.';

CREATE TABLE usom.payment_transaction (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	transaction_no integer NOT NULL,
	payment_id bigint NOT NULL,
	kind text NOT NULL CONSTRAINT payment_transaction_kind_known CHECK (kind IN ('authorize', 'capture', 'sale', 'void', 'refund', 'chargeback', 'reversal')),
	amount usom.charge NOT NULL CONSTRAINT payment_transaction_of_something CHECK (amount > 0),
	reference text NOT NULL CONSTRAINT payment_transaction_reference_given CHECK (reference <> ''),
	outcome text NOT NULL DEFAULT 'ok' CONSTRAINT payment_transaction_outcome_known CHECK (outcome IN ('ok', 'failed')),
	lines jsonb,
	tax usom.charge NOT NULL DEFAULT 0,
	request_no integer,
	expires_at timestamptz,
	occurred_at timestamptz NOT NULL,
	recorded_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, sales_order_id, transaction_no),
	CONSTRAINT payment_transaction_reference_unique UNIQUE (org_id, kind, reference, outcome),
	CONSTRAINT payment_transaction_of_payment FOREIGN KEY (org_id, payment_id) REFERENCES usom.payment ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.payment_transaction IS 'Ledger of what the payment provider did: the truth that payment and payment_line sum up. Append-only.';
COMMENT ON COLUMN usom.payment_transaction.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.payment_transaction.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.payment_transaction.transaction_no IS 'Number with the order, from 1.';
COMMENT ON COLUMN usom.payment_transaction.payment_id IS 'Payment.';
COMMENT ON COLUMN usom.payment_transaction.kind IS 'authorize, capture, sale (both at once), void, refund, chargeback or reversal (of a chargeback).';
COMMENT ON COLUMN usom.payment_transaction.amount IS 'Amount, in the currency of the order.';
COMMENT ON COLUMN usom.payment_transaction.reference IS 'Reference that the provider gave; of a kind and outcome it comes once.';
COMMENT ON COLUMN usom.payment_transaction.outcome IS 'ok or failed; what failed moves no money.';
COMMENT ON COLUMN usom.payment_transaction.lines IS 'Shares of the lines, as in payment_request; null: it moved no money.';
COMMENT ON COLUMN usom.payment_transaction.tax IS 'Tax in the amount: the sum of the shares.';
COMMENT ON COLUMN usom.payment_transaction.request_no IS 'Request that it answers; null: none.';
COMMENT ON COLUMN usom.payment_transaction.expires_at IS 'Of an authorisation: how long it holds; null: without end.';
COMMENT ON COLUMN usom.payment_transaction.occurred_at IS 'When it happened, as the provider said.';
COMMENT ON COLUMN usom.payment_transaction.recorded_at IS 'Time of the transaction that recorded it.';

CREATE TRIGGER usom_furnish_payment_methods AFTER INSERT ON usom.organisation
	FOR EACH ROW EXECUTE FUNCTION usom.furnish_payment_methods();

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.payment_method
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.payment_method ENABLE ALWAYS TRIGGER _memo_changed;

CREATE VIEW usom.payments WITH (security_invoker = true) AS
SELECT o.order_no, p.payment_no, p.method, p.reference, p.currency::text AS currency,
	usom._payment_status(p.authorized, p.voided, p.captured, p.refunded, p.charged_back, p.expires_at <= statement_timestamp()) AS status,
	trim_scale(p.authorized) AS authorized, trim_scale(p.captured) AS captured, trim_scale(p.voided) AS voided,
	trim_scale(p.refunded) AS refunded, trim_scale(p.charged_back) AS charged_back,
	trim_scale(p.capture_wanted) AS capture_wanted, trim_scale(p.refund_wanted) AS refund_wanted,
	trim_scale(CASE WHEN p.expires_at <= statement_timestamp() THEN 0 ELSE p.authorized - p.voided - p.captured END) AS capturable,
	trim_scale(p.captured - p.refunded - p.refund_wanted - p.charged_back) AS refundable,
	p.expires_at, p.created_at
FROM usom.payment p
JOIN usom.sales_order o ON o.org_id = p.org_id AND o.sales_order_id = p.sales_order_id
WHERE p.org_id = usom.current_org();
COMMENT ON VIEW usom.payments IS 'What the orders of the caller''s organisation are paid with. Ask by order_no.';
COMMENT ON COLUMN usom.payments.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.payments.payment_no IS 'Number with the order.';
COMMENT ON COLUMN usom.payments.method IS 'Code of the method.';
COMMENT ON COLUMN usom.payments.reference IS 'Reference that the payment provider gave; null: none.';
COMMENT ON COLUMN usom.payments.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN usom.payments.status IS 'pending (nothing authorised), authorized, expired, voided, partially_captured, captured, partially_refunded, refunded or charged_back.';
COMMENT ON COLUMN usom.payments.authorized IS 'Authorised, all in all.';
COMMENT ON COLUMN usom.payments.captured IS 'Taken.';
COMMENT ON COLUMN usom.payments.voided IS 'Authorised and given up.';
COMMENT ON COLUMN usom.payments.refunded IS 'Given back.';
COMMENT ON COLUMN usom.payments.charged_back IS 'Taken back by the buyer''s bank.';
COMMENT ON COLUMN usom.payments.capture_wanted IS 'Asked of the provider to be captured and not answered yet.';
COMMENT ON COLUMN usom.payments.refund_wanted IS 'Asked of the provider to be refunded and not answered yet.';
COMMENT ON COLUMN usom.payments.capturable IS 'Can be captured still; 0 once the authorisation has expired.';
COMMENT ON COLUMN usom.payments.refundable IS 'Can be refunded still.';
COMMENT ON COLUMN usom.payments.expires_at IS 'From then on what is authorised covers nothing; null: without end.';
COMMENT ON COLUMN usom.payments.created_at IS 'When the row was made.';

CREATE VIEW usom.payment_transactions WITH (security_invoker = true) AS
SELECT o.order_no, t.transaction_no, p.payment_no, p.method, t.kind, trim_scale(t.amount) AS amount, p.currency::text AS currency,
	t.reference, t.outcome, trim_scale(t.tax) AS tax, t.lines,
	o.order_no || '/' || t.request_no AS request, t.expires_at, t.occurred_at, t.recorded_at
FROM usom.payment_transaction t
JOIN usom.payment p ON p.org_id = t.org_id AND p.payment_id = t.payment_id
JOIN usom.sales_order o ON o.org_id = t.org_id AND o.sales_order_id = t.sales_order_id
WHERE t.org_id = usom.current_org();
COMMENT ON VIEW usom.payment_transactions IS 'What the payment provider did for the orders of the caller''s organisation. Ask by order_no.';
COMMENT ON COLUMN usom.payment_transactions.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.payment_transactions.transaction_no IS 'Number with the order, in the order they were recorded.';
COMMENT ON COLUMN usom.payment_transactions.payment_no IS 'Payment of the order.';
COMMENT ON COLUMN usom.payment_transactions.method IS 'Code of its method.';
COMMENT ON COLUMN usom.payment_transactions.kind IS 'authorize, capture, sale (both at once), void, refund, chargeback or reversal (of a chargeback).';
COMMENT ON COLUMN usom.payment_transactions.amount IS 'Amount.';
COMMENT ON COLUMN usom.payment_transactions.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN usom.payment_transactions.reference IS 'Reference that the provider gave.';
COMMENT ON COLUMN usom.payment_transactions.outcome IS 'ok or failed.';
COMMENT ON COLUMN usom.payment_transactions.tax IS 'Tax in the amount.';
COMMENT ON COLUMN usom.payment_transactions.lines IS 'Shares of the lines: line_no (0: of no line), amount, tax, units, freight.';
COMMENT ON COLUMN usom.payment_transactions.request IS 'Request that it answers, as the event named it; null: none.';
COMMENT ON COLUMN usom.payment_transactions.expires_at IS 'Of an authorisation: how long it holds.';
COMMENT ON COLUMN usom.payment_transactions.occurred_at IS 'When it happened, as the provider said.';
COMMENT ON COLUMN usom.payment_transactions.recorded_at IS 'When it was recorded.';

CREATE VIEW usom.payment_requests WITH (security_invoker = true) AS
SELECT o.order_no, o.order_no || '/' || r.request_no AS request, p.payment_no, p.method, p.reference AS payment_reference, r.kind, r.status,
	trim_scale(r.amount) AS amount, p.currency::text AS currency, r.reference, r.lines, r.reason, r.due_at, r.wanted_at, r.answered_at
FROM usom.payment_request r
JOIN usom.payment p ON p.org_id = r.org_id AND p.payment_id = r.payment_id
JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.payment_requests IS 'What payment providers were asked to do for the orders of the caller''s organisation, and what is still to be answered. Ask by order_no.';
COMMENT ON COLUMN usom.payment_requests.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.payment_requests.request IS 'Name of the request: to be given to the provider so that it is done once, and to record_payment().';
COMMENT ON COLUMN usom.payment_requests.payment_no IS 'Payment of the order.';
COMMENT ON COLUMN usom.payment_requests.method IS 'Code of its method.';
COMMENT ON COLUMN usom.payment_requests.payment_reference IS 'Its reference.';
COMMENT ON COLUMN usom.payment_requests.kind IS 'capture, void, refund or invoice.';
COMMENT ON COLUMN usom.payment_requests.status IS 'wanted, done, failed or withdrawn.';
COMMENT ON COLUMN usom.payment_requests.amount IS 'Amount.';
COMMENT ON COLUMN usom.payment_requests.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN usom.payment_requests.reference IS 'Shipment or return that it is for.';
COMMENT ON COLUMN usom.payment_requests.lines IS 'Shares of the lines: line_no (0: of no line), amount, tax, units, freight.';
COMMENT ON COLUMN usom.payment_requests.reason IS 'Why, as the caller said.';
COMMENT ON COLUMN usom.payment_requests.due_at IS 'Of an invoice: when it is to be paid.';
COMMENT ON COLUMN usom.payment_requests.wanted_at IS 'When it was asked for.';
COMMENT ON COLUMN usom.payment_requests.answered_at IS 'When it was answered or withdrawn.';

SELECT usom._guard_cards('payment_method');
SELECT usom._guard_cards('payment');
SELECT usom._guard_cards('payment_request');
SELECT usom._guard_cards('payment_transaction');
SELECT usom._guard_master('payment_method', 'code');
SELECT usom._guard_kept('payment', 'usom.record_payment()');
SELECT usom._guard_kept('payment_line', 'usom.record_payment()');
SELECT usom._guard_kept('payment_request', 'usom.refund_order() or usom.record_payment()');
SELECT usom._guard_ledger('payment_transaction', 'usom.record_payment()');
SELECT usom._audit_table('payment_method');
SELECT usom._audit_table('payment');
SELECT usom._audit_table('payment_line');
SELECT usom._audit_table('payment_request');
SELECT usom._audit_table('payment_transaction');

INSERT INTO usom.payment_method (org_id, code, terms, name)
SELECT o.org_id, t.* FROM usom.organisation o CROSS JOIN usom._standard_payment_methods() t;

CREATE TABLE usom.credit_account (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	credit_account_id bigint NOT NULL DEFAULT usom.next_id(),
	customer_id bigint NOT NULL,
	currency usom.currency_code NOT NULL DEFAULT usom.default_currency(),
	limit_amount usom.amount NOT NULL DEFAULT 0 CONSTRAINT credit_account_limit_not_negative CHECK (limit_amount >= 0),
	exposure usom.amount NOT NULL DEFAULT 0 CONSTRAINT credit_account_exposure_not_negative CHECK (exposure >= 0),
	check_at text NOT NULL DEFAULT 'confirm' CONSTRAINT credit_account_check_at_known CHECK (check_at IN ('none', 'confirm', 'release', 'ship')),
	on_increase text NOT NULL DEFAULT 'hold' CONSTRAINT credit_account_on_increase_known CHECK (on_increase IN ('hold', 'refuse')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, credit_account_id),
	CONSTRAINT credit_account_once_per_currency UNIQUE (org_id, customer_id, currency),
	CONSTRAINT credit_account_of_customer FOREIGN KEY (org_id, customer_id) REFERENCES usom.customer ON DELETE RESTRICT ON UPDATE RESTRICT
) WITH (fillfactor = 50);
COMMENT ON TABLE usom.credit_account IS 'How much a customer may owe in a currency. Written by plain SQL but for the exposure, which usom keeps. Orders that name no payment method, or one on account, are counted in the account of their currency; one in a currency without account is held. The row is a lock, taken after orders and before stock, by key.';
COMMENT ON COLUMN usom.credit_account.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.credit_account.credit_account_id IS 'Key.';
COMMENT ON COLUMN usom.credit_account.customer_id IS 'Customer: usom.customer_id(''code'').';
COMMENT ON COLUMN usom.credit_account.currency IS 'ISO 4217 code; only orders in it are counted here.';
COMMENT ON COLUMN usom.credit_account.limit_amount IS 'What all orders may owe together. Raised, it lets held orders go on; lowered, it takes nothing back.';
COMMENT ON COLUMN usom.credit_account.exposure IS 'What they owe: the sum of what orders take, see credit_use. Kept by usom.';
COMMENT ON COLUMN usom.credit_account.check_at IS 'When an order takes its part and is held if it does not fit: confirm, release (before it is handed to the locations) or ship; none: counted from its confirmation on, and never held.';
COMMENT ON COLUMN usom.credit_account.on_increase IS 'An order that has passed becomes more than the limit allows: hold (it is neither released nor shipped until it fits) or refuse (US510).';
COMMENT ON COLUMN usom.credit_account.active IS 'Off: as if check_at were none.';
COMMENT ON COLUMN usom.credit_account.created_at IS 'When the row was made.';

CREATE TABLE usom.credit_use (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	credit_account_id bigint NOT NULL,
	amount usom.amount NOT NULL DEFAULT 0 CONSTRAINT credit_use_not_negative CHECK (amount >= 0),
	wanted usom.amount NOT NULL DEFAULT 0,
	held_at timestamptz,
	beyond usom.amount NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, sales_order_id),
	CONSTRAINT credit_use_at_most_wanted CHECK (amount <= wanted),
	CONSTRAINT credit_use_short_if_held CHECK (held_at IS NULL OR amount < wanted)
) WITH (fillfactor = 60);
CREATE INDEX credit_use_of_account ON usom.credit_use (org_id, credit_account_id);
CREATE INDEX credit_use_held ON usom.credit_use (org_id, credit_account_id, held_at) WHERE held_at IS NOT NULL;
COMMENT ON TABLE usom.credit_use IS 'What an order takes of a credit account: the truth that the exposure sums up. Written under the locks of the order and of the account.';
COMMENT ON COLUMN usom.credit_use.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.credit_use.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.credit_use.credit_account_id IS 'Account.';
COMMENT ON COLUMN usom.credit_use.amount IS 'What it takes.';
COMMENT ON COLUMN usom.credit_use.wanted IS 'What it owes: units neither cancelled nor returned, less what was paid and not given back.';
COMMENT ON COLUMN usom.credit_use.held_at IS 'Since when it waits for credit; null: it does not.';
COMMENT ON COLUMN usom.credit_use.beyond IS 'Of what it takes, what was beyond the limit when a manager let it pass.';

CREATE TRIGGER usom_guard_exposure BEFORE INSERT OR UPDATE ON usom.credit_account
	FOR EACH ROW EXECUTE FUNCTION usom._guard_credit_account();
CREATE TRIGGER _memo_changed AFTER INSERT ON usom.credit_account
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('credit_account');
-- Named to fire after the triggers of the audit, which tell of the statement before what follows from it.
CREATE TRIGGER count_insert AFTER INSERT ON usom.credit_account REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._credit_account_written();
CREATE TRIGGER count_update AFTER UPDATE ON usom.credit_account REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._credit_account_written();
ALTER TABLE usom.credit_account ENABLE ALWAYS TRIGGER usom_guard_exposure, ENABLE ALWAYS TRIGGER _memo_changed,
	ENABLE ALWAYS TRIGGER count_insert, ENABLE ALWAYS TRIGGER count_update;

CREATE VIEW usom.credit WITH (security_invoker = true) AS
SELECT u.code AS customer, a.currency::text AS currency, trim_scale(a.limit_amount) AS limit_amount, trim_scale(a.exposure) AS exposure,
	trim_scale(greatest(a.limit_amount - a.exposure, 0)) AS free, a.check_at, a.on_increase, a.active,
	w.orders_held, trim_scale(w.amount_held) AS amount_held
FROM usom.credit_account a
JOIN usom.customer u ON u.org_id = a.org_id AND u.customer_id = a.customer_id
CROSS JOIN LATERAL (
	SELECT count(*) AS orders_held, coalesce(sum(c.wanted - c.amount), 0) AS amount_held
	FROM usom.credit_use c
	WHERE c.org_id = a.org_id AND c.credit_account_id = a.credit_account_id AND c.held_at IS NOT NULL) w
WHERE a.org_id = usom.current_org();
COMMENT ON VIEW usom.credit IS 'What customers of the caller''s organisation may owe, and owe. What it is made of: usom.credit_position().';
COMMENT ON COLUMN usom.credit.customer IS 'Code of the customer.';
COMMENT ON COLUMN usom.credit.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN usom.credit.limit_amount IS 'What all orders may owe together.';
COMMENT ON COLUMN usom.credit.exposure IS 'What they owe.';
COMMENT ON COLUMN usom.credit.free IS 'What they may owe more; 0 if they are above the limit.';
COMMENT ON COLUMN usom.credit.check_at IS 'confirm, release, ship or none.';
COMMENT ON COLUMN usom.credit.on_increase IS 'hold or refuse.';
COMMENT ON COLUMN usom.credit.active IS 'False: counted, never held.';
COMMENT ON COLUMN usom.credit.orders_held IS 'Orders that wait for credit.';
COMMENT ON COLUMN usom.credit.amount_held IS 'What they would take.';

SELECT usom._guard_master('credit_account', 'customer_id');
SELECT usom._guard_kept('credit_use', 'usom.place_order() or usom.release_credit_hold()');
SELECT usom._audit_table('credit_account');
SELECT usom._audit_table('credit_use');
