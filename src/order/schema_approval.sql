-- step 2
CREATE TABLE usom.approval_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	approval_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT approval_rule_code_given CHECK (code <> ''),
	name text,
	outcome text NOT NULL DEFAULT 'ask' CONSTRAINT approval_rule_outcome_known CHECK (outcome IN ('ask', 'approve')),
	queue text NOT NULL DEFAULT 'manager' CONSTRAINT approval_rule_queue_given CHECK (queue <> ''),
	priority integer NOT NULL DEFAULT 100,
	value_above usom.charge,
	value_up_to usom.charge,
	currency usom.currency_code,
	discount_above numeric(7,4) CONSTRAINT approval_rule_discount_above_percent CHECK (discount_above BETWEEN 0 AND 100),
	discount_up_to numeric(7,4) CONSTRAINT approval_rule_discount_up_to_percent CHECK (discount_up_to BETWEEN 0 AND 100),
	risk_above integer CONSTRAINT approval_rule_risk_above_score CHECK (risk_above BETWEEN 0 AND 100),
	risk_up_to integer CONSTRAINT approval_rule_risk_up_to_score CHECK (risk_up_to BETWEEN 0 AND 100),
	category text CONSTRAINT approval_rule_category_given CHECK (category <> ''),
	customer text,
	segment text CONSTRAINT approval_rule_segment_given CHECK (segment <> ''),
	channel text,
	order_type usom.order_type,
	valid_for interval CONSTRAINT approval_rule_valid_for_some_time CHECK (valid_for > interval '0'),
	escalate_after interval CONSTRAINT approval_rule_escalate_after_not_before CHECK (escalate_after >= interval '0'),
	escalate_to text CONSTRAINT approval_rule_escalate_to_given CHECK (escalate_to <> ''),
	if_declined text NOT NULL DEFAULT 'keep' CONSTRAINT approval_rule_if_declined_known CHECK (if_declined IN ('keep', 'reject')),
	apart_by text NOT NULL DEFAULT 'login' CONSTRAINT approval_rule_apart_by_known CHECK (apart_by IN ('login', 'app_user')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, approval_rule_id),
	CONSTRAINT approval_rule_code_unique UNIQUE (org_id, code),
	CONSTRAINT approval_rule_value_range CHECK (value_above < value_up_to),
	CONSTRAINT approval_rule_discount_range CHECK (discount_above < discount_up_to),
	CONSTRAINT approval_rule_risk_range CHECK (risk_above < risk_up_to),
	CONSTRAINT approval_rule_currency_of_value CHECK (currency IS NULL OR num_nonnulls(value_above, value_up_to) > 0),
	CONSTRAINT approval_rule_escalates_iff_to CHECK ((escalate_after IS NULL) = (escalate_to IS NULL)),
	CONSTRAINT approval_rule_asks_to_wait CHECK (outcome = 'ask' OR num_nonnulls(valid_for, escalate_after) = 0)
);
COMMENT ON TABLE usom.approval_rule IS 'Which orders wait for whose approval. An order is held against all that its rules say, by priority: one that asks sends it to its queue and looks on; one that approves is the standard case, and what comes after it is not asked. Every condition that is given has to fit.';
COMMENT ON COLUMN usom.approval_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.approval_rule.approval_rule_id IS 'Key.';
COMMENT ON COLUMN usom.approval_rule.code IS 'Name that approvals and messages use.';
COMMENT ON COLUMN usom.approval_rule.name IS 'Name for people.';
COMMENT ON COLUMN usom.approval_rule.outcome IS 'ask: somebody decides. approve: approved by rule, and rules after it are not asked.';
COMMENT ON COLUMN usom.approval_rule.queue IS 'Whose members decide: a profile (manager, agent ...) or the name of a role.';
COMMENT ON COLUMN usom.approval_rule.priority IS 'Rules with the lower number come first; of equal ones the earlier code.';
COMMENT ON COLUMN usom.approval_rule.value_above IS 'The total is above it; null: any.';
COMMENT ON COLUMN usom.approval_rule.value_up_to IS 'The total is at most this; null: any.';
COMMENT ON COLUMN usom.approval_rule.currency IS 'Orders in this currency alone; null: the number counts, whatever the currency.';
COMMENT ON COLUMN usom.approval_rule.discount_above IS 'Per cent that discounts and overrides take off the goods, above this; null: any.';
COMMENT ON COLUMN usom.approval_rule.discount_up_to IS 'Per cent at most; null: any.';
COMMENT ON COLUMN usom.approval_rule.risk_above IS 'The risk score is above it; an order without a score has none above. Null: any.';
COMMENT ON COLUMN usom.approval_rule.risk_up_to IS 'The risk score is known and at most this; null: any.';
COMMENT ON COLUMN usom.approval_rule.category IS 'A line is of this category of products; for a rule that approves, all of them. Null: any.';
COMMENT ON COLUMN usom.approval_rule.customer IS 'Code of the customer; null: any, guests too.';
COMMENT ON COLUMN usom.approval_rule.segment IS 'Segment of the customer; null: any, guests too.';
COMMENT ON COLUMN usom.approval_rule.channel IS 'Code of the channel; null: any.';
COMMENT ON COLUMN usom.approval_rule.order_type IS 'Type of order; null: any.';
COMMENT ON COLUMN usom.approval_rule.valid_for IS 'How long the question stands, and the answer until the order goes on; null: for ever.';
COMMENT ON COLUMN usom.approval_rule.escalate_after IS 'When the question has waited so long, the members of escalate_to may decide, too; null: never.';
COMMENT ON COLUMN usom.approval_rule.escalate_to IS 'Queue that it escalates to.';
COMMENT ON COLUMN usom.approval_rule.if_declined IS 'keep: the order stays as it is, held, until it is changed or cancelled. reject: it is rejected.';
COMMENT ON COLUMN usom.approval_rule.apart_by IS 'How whoever decides is told from the authors of the order. login: by the role that logged in, and by the application user where both are known. app_user: people share a login, and the application that says who they are is trusted.';
COMMENT ON COLUMN usom.approval_rule.active IS 'Off: not asked for orders from now on; what waits goes on waiting.';
COMMENT ON COLUMN usom.approval_rule.created_at IS 'When the row was made.';
-- Rows that replication brings were checked where they came from, so this trigger is not ENABLE ALWAYS.
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.approval_rule
	FOR EACH ROW EXECUTE FUNCTION usom._check_approval_rule();

CREATE TABLE usom.price_limit (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	price_limit_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT price_limit_code_given CHECK (code <> ''),
	role text NOT NULL DEFAULT 'agent' CONSTRAINT price_limit_role_given CHECK (role <> ''),
	sku text,
	category text CONSTRAINT price_limit_category_given CHECK (category <> ''),
	max_discount numeric(7,4) NOT NULL DEFAULT 0 CONSTRAINT price_limit_max_discount_percent CHECK (max_discount BETWEEN 0 AND 100),
	max_markup numeric(7,4) NOT NULL DEFAULT 0 CONSTRAINT price_limit_max_markup_percent CHECK (max_markup BETWEEN 0 AND 999),
	queue text NOT NULL DEFAULT 'manager' CONSTRAINT price_limit_queue_given CHECK (queue <> ''),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, price_limit_id),
	CONSTRAINT price_limit_code_unique UNIQUE (org_id, code),
	CONSTRAINT price_limit_sku_or_category CHECK (sku IS NULL OR category IS NULL)
);
CREATE UNIQUE INDEX price_limit_once ON usom.price_limit (org_id, role, sku, category) NULLS NOT DISTINCT WHERE active;
COMMENT ON TABLE usom.price_limit IS 'How far a role may go from the price that the rules say. Of the rows of a role the narrowest counts (product, category, all); of several roles that somebody has, the widest. Beyond it the queue approves. With no rows there are no limits; with some, a role that has none may override nothing by itself.';
COMMENT ON COLUMN usom.price_limit.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price_limit.price_limit_id IS 'Key.';
COMMENT ON COLUMN usom.price_limit.code IS 'Name that messages use.';
COMMENT ON COLUMN usom.price_limit.role IS 'Who is meant: a profile (agent, manager ...) or the name of a role.';
COMMENT ON COLUMN usom.price_limit.sku IS 'Product; null: those of the category, or all.';
COMMENT ON COLUMN usom.price_limit.category IS 'Category of products; null: any.';
COMMENT ON COLUMN usom.price_limit.max_discount IS 'Per cent below the price at most: the floor.';
COMMENT ON COLUMN usom.price_limit.max_markup IS 'Per cent above the price at most: the ceiling.';
COMMENT ON COLUMN usom.price_limit.queue IS 'Whose members approve what goes beyond: a profile or the name of a role.';
COMMENT ON COLUMN usom.price_limit.active IS 'Off: counts no more.';
COMMENT ON COLUMN usom.price_limit.created_at IS 'When the row was made.';
CREATE TRIGGER usom_price_limit BEFORE INSERT OR UPDATE ON usom.price_limit
	FOR EACH ROW EXECUTE FUNCTION usom._check_price_limit();

CREATE TABLE usom.approval (
	org_id bigint NOT NULL,
	approval_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	queue text NOT NULL,
	rules text[] NOT NULL,
	saw jsonb NOT NULL,
	status text NOT NULL DEFAULT 'pending' CONSTRAINT approval_status_known CHECK (status IN ('pending', 'approved', 'declined', 'void')),
	automatic boolean NOT NULL DEFAULT false,
	content bytea NOT NULL CONSTRAINT approval_content_is_digest CHECK (octet_length(content) = 32),
	asked_at timestamptz NOT NULL DEFAULT now(),
	asked_by text NOT NULL DEFAULT session_user,
	expires_at timestamptz,
	escalates_at timestamptz,
	escalates_to text,
	if_declined text NOT NULL DEFAULT 'keep' CONSTRAINT approval_if_declined_known CHECK (if_declined IN ('keep', 'reject')),
	apart_by text NOT NULL DEFAULT 'login' CONSTRAINT approval_apart_by_known CHECK (apart_by IN ('login', 'app_user')),
	decided_at timestamptz,
	decided_by text,
	decided_for text,
	reason text,
	settled_at timestamptz,
	voided_at timestamptz,
	PRIMARY KEY (org_id, approval_id),
	CONSTRAINT approval_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT approval_decided_iff_by CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
	CONSTRAINT approval_decided_unless_pending CHECK (status = 'void' OR (status = 'pending') = (decided_at IS NULL)),
	CONSTRAINT approval_void_iff_dated CHECK ((status = 'void') = (voided_at IS NOT NULL)),
	CONSTRAINT approval_settled_if_approved CHECK (settled_at IS NULL OR status IN ('approved', 'void')),
	CONSTRAINT approval_escalates_iff_to CHECK ((escalates_at IS NULL) = (escalates_to IS NULL)),
	CONSTRAINT approval_automatic_is_approved CHECK (NOT automatic OR status IN ('approved', 'void'))
);
CREATE UNIQUE INDEX approval_once ON usom.approval (org_id, sales_order_id, queue) WHERE status <> 'void' AND NOT automatic;
CREATE INDEX approval_of_order ON usom.approval (org_id, sales_order_id);
COMMENT ON TABLE usom.approval IS 'A question to a queue about the content of an order, and the answer. Both hold for this content alone: when it changes they are void, and what still needs an answer is asked anew.';
COMMENT ON COLUMN usom.approval.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.approval.approval_id IS 'Key.';
COMMENT ON COLUMN usom.approval.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.approval.queue IS 'Whose members decide: a profile or the name of a role.';
COMMENT ON COLUMN usom.approval.rules IS 'Codes of the rules that ask for it, and of the price limits that were passed.';
COMMENT ON COLUMN usom.approval.saw IS 'What they saw: total, currency, discount, risk and what else they compare; overrides beyond a limit.';
COMMENT ON COLUMN usom.approval.status IS 'pending, approved, declined, or void because the content changed. One that is pending ends with expires_at, whatever stands here.';
COMMENT ON COLUMN usom.approval.automatic IS 'On: approved by a rule, nobody was asked.';
COMMENT ON COLUMN usom.approval.content IS 'SHA-256 of the content of the order when it was asked: see usom._order_content().';
COMMENT ON COLUMN usom.approval.asked_at IS 'When it was asked.';
COMMENT ON COLUMN usom.approval.asked_by IS 'Session user whose call asked.';
COMMENT ON COLUMN usom.approval.expires_at IS 'From then on it is not decided any more, and a decision that the order did not go on by counts for nothing; null: never.';
COMMENT ON COLUMN usom.approval.escalates_at IS 'From then on the members of escalates_to may decide, too; null: never.';
COMMENT ON COLUMN usom.approval.escalates_to IS 'Queue that it escalates to.';
COMMENT ON COLUMN usom.approval.if_declined IS 'keep or reject, see approval_rule.';
COMMENT ON COLUMN usom.approval.apart_by IS 'login or app_user, see approval_rule.';
COMMENT ON COLUMN usom.approval.decided_at IS 'When it was approved or declined.';
COMMENT ON COLUMN usom.approval.decided_by IS 'Session user who decided; of an automatic one, whose call it was.';
COMMENT ON COLUMN usom.approval.decided_for IS 'Application user, as claimed by usom.app_user.';
COMMENT ON COLUMN usom.approval.reason IS 'Why, as whoever decided said.';
COMMENT ON COLUMN usom.approval.settled_at IS 'When all approvals of the order were there and it went on; null: not by this one.';
COMMENT ON COLUMN usom.approval.voided_at IS 'When the content of the order changed.';

CREATE TABLE usom.price_override (
	org_id bigint NOT NULL,
	price_override_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id bigint NOT NULL,
	unit_price usom.price_amount NOT NULL,
	price_before usom.price_amount NOT NULL,
	reason text NOT NULL CONSTRAINT price_override_reason_given CHECK (reason <> ''),
	queue text,
	beyond text,
	placed_at timestamptz NOT NULL DEFAULT now(),
	placed_by text NOT NULL DEFAULT session_user,
	placed_for text,
	ended_at timestamptz,
	ended_by text,
	PRIMARY KEY (org_id, price_override_id),
	CONSTRAINT price_override_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT price_override_ended_iff_by CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
	CONSTRAINT price_override_beyond_iff_queue CHECK ((beyond IS NULL) = (queue IS NULL))
);
CREATE UNIQUE INDEX price_override_once ON usom.price_override (org_id, sales_order_id, line_no) WHERE ended_at IS NULL;
COMMENT ON TABLE usom.price_override IS 'Prices that people set on lines of orders in place of what the rules say: the step manual of the price.';
COMMENT ON COLUMN usom.price_override.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price_override.price_override_id IS 'Key.';
COMMENT ON COLUMN usom.price_override.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.price_override.line_no IS 'Line.';
COMMENT ON COLUMN usom.price_override.product_id IS 'Product of the line when it was set; for another one it does not hold.';
COMMENT ON COLUMN usom.price_override.unit_price IS 'Price of one unit that was set.';
COMMENT ON COLUMN usom.price_override.price_before IS 'What the rules said when it was set.';
COMMENT ON COLUMN usom.price_override.reason IS 'Why.';
COMMENT ON COLUMN usom.price_override.queue IS 'Whose members approve it, because it is beyond a limit; null: it is not.';
COMMENT ON COLUMN usom.price_override.beyond IS 'Code of the limit that it passes, or none if the role has no limit of its own; null: it is within.';
COMMENT ON COLUMN usom.price_override.placed_at IS 'When it was set.';
COMMENT ON COLUMN usom.price_override.placed_by IS 'Session user who set it.';
COMMENT ON COLUMN usom.price_override.placed_for IS 'Application user, as claimed by usom.app_user.';
COMMENT ON COLUMN usom.price_override.ended_at IS 'When another price took its place; null: it holds.';
COMMENT ON COLUMN usom.price_override.ended_by IS 'Session user whose change ended it.';

CREATE TABLE usom.order_risk (
	org_id bigint NOT NULL,
	order_risk_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	score integer NOT NULL CONSTRAINT order_risk_score_range CHECK (score BETWEEN 0 AND 100),
	reason text,
	scored_at timestamptz NOT NULL DEFAULT now(),
	scored_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, order_risk_id),
	CONSTRAINT order_risk_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX order_risk_of_order ON usom.order_risk (org_id, sales_order_id, order_risk_id);
COMMENT ON TABLE usom.order_risk IS 'What an assessment outside said about an order. The last row counts. Append-only.';
COMMENT ON COLUMN usom.order_risk.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.order_risk.order_risk_id IS 'Key.';
COMMENT ON COLUMN usom.order_risk.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.order_risk.score IS '0, no risk, to 100.';
COMMENT ON COLUMN usom.order_risk.reason IS 'Why, or who says so.';
COMMENT ON COLUMN usom.order_risk.scored_at IS 'When it was told.';
COMMENT ON COLUMN usom.order_risk.scored_by IS 'Session user who told.';

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.approval_rule
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('approval_rule');
ALTER TABLE usom.approval_rule ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.price_limit
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('price_limit');
ALTER TABLE usom.price_limit ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('approval_rule');
SELECT usom._guard_cards('price_limit');
SELECT usom._guard_cards('approval');
SELECT usom._guard_cards('price_override');
SELECT usom._guard_cards('order_risk');
SELECT usom._guard_master('approval_rule', 'code');
SELECT usom._guard_master('price_limit', 'code');
SELECT usom._guard_kept('approval', 'usom.approve_order() or usom.decline_order()');
SELECT usom._guard_kept('price_override', 'usom.override_price() or usom.reprice_order()');
SELECT usom._guard_ledger('order_risk', 'usom.score_order()');
SELECT usom._audit_table('approval_rule');
SELECT usom._audit_table('price_limit');
SELECT usom._audit_table('approval');
SELECT usom._audit_table('price_override');
SELECT usom._audit_table('order_risk');
