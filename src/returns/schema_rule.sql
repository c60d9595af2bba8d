-- step 2
CREATE TABLE usom.return_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	return_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT return_rule_code_given CHECK (code <> ''),
	priority integer NOT NULL DEFAULT 100,
	sku text CONSTRAINT return_rule_sku_given CHECK (sku <> ''),
	category text CONSTRAINT return_rule_category_given CHECK (category <> ''),
	channel text CONSTRAINT return_rule_channel_given CHECK (channel <> ''),
	segment text CONSTRAINT return_rule_segment_given CHECK (segment <> ''),
	reason text CONSTRAINT return_rule_reason_given CHECK (reason <> ''),
	days integer CONSTRAINT return_rule_days_sensible CHECK (days BETWEEN 0 AND 36500),
	outcome text NOT NULL DEFAULT 'allow' CONSTRAINT return_rule_outcome_known CHECK (outcome IN ('allow', 'ask', 'refuse')),
	late text NOT NULL DEFAULT 'refuse' CONSTRAINT return_rule_late_known CHECK (late IN ('allow', 'ask', 'refuse')),
	valid_days integer CONSTRAINT return_rule_valid_days_sensible CHECK (valid_days BETWEEN 1 AND 36500),
	inspects boolean NOT NULL DEFAULT false,
	disposition text NOT NULL DEFAULT 'restock' CONSTRAINT return_rule_disposition_known CHECK (disposition IN ('restock', 'refurbish', 'scrap', 'to_vendor')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, return_rule_id),
	CONSTRAINT return_rule_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.return_rule IS 'What may come back, until when, and what becomes of it. Of the active rules whose conditions all fit a line, the one with the lowest priority counts, of several the first by code; a line that none fits may come back, and is on hand again when it comes. Example: INSERT INTO usom.return_rule (code, category, days, inspects) VALUES (''lamps'', ''lighting'', 30, true);';
COMMENT ON COLUMN usom.return_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.return_rule.return_rule_id IS 'Key.';
COMMENT ON COLUMN usom.return_rule.code IS 'Name that returns show.';
COMMENT ON COLUMN usom.return_rule.priority IS 'Lower is looked at first.';
COMMENT ON COLUMN usom.return_rule.sku IS 'Product; null: any.';
COMMENT ON COLUMN usom.return_rule.category IS 'Category of the product; null: any.';
COMMENT ON COLUMN usom.return_rule.channel IS 'Code of the channel of the order; null: any.';
COMMENT ON COLUMN usom.return_rule.segment IS 'Segment of the customer; null: any, guests too.';
COMMENT ON COLUMN usom.return_rule.reason IS 'Reason that the customer gives, word for word; null: any, and none.';
COMMENT ON COLUMN usom.return_rule.days IS 'Days from delivery in which leave is asked for; null: no end. Units that are not delivered yet are in time.';
COMMENT ON COLUMN usom.return_rule.outcome IS 'allow: leave is given; ask: somebody decides, with approve_return() or refuse_return(); refuse: no return.';
COMMENT ON COLUMN usom.return_rule.late IS 'The same for units whose days are over; the stricter of the two counts.';
COMMENT ON COLUMN usom.return_rule.valid_days IS 'Days in which the goods must come once leave is given; null: no end.';
COMMENT ON COLUMN usom.return_rule.inspects IS 'On: units are taken back, and refunded, when inspect_return() says so. Off: when they come.';
COMMENT ON COLUMN usom.return_rule.disposition IS 'What becomes of units: restock (on hand again), refurbish, scrap, to_vendor. An inspection may say something else.';
COMMENT ON COLUMN usom.return_rule.active IS 'Off: fits nothing.';
COMMENT ON COLUMN usom.return_rule.created_at IS 'When the row was made.';
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.return_rule
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.return_rule ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('return_rule');
SELECT usom._guard_master('return_rule', 'code');
SELECT usom._audit_table('return_rule');
