-- step 4
CREATE TABLE usom.flow (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	flow_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT flow_code_given CHECK (code <> ''),
	version integer NOT NULL DEFAULT 1 CONSTRAINT flow_version_positive CHECK (version > 0),
	description text,
	published_at timestamptz,
	published_by text,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, flow_id),
	CONSTRAINT flow_version_unique UNIQUE (org_id, code, version),
	CONSTRAINT flow_published_iff_by CHECK ((published_at IS NULL) = (published_by IS NULL))
);
COMMENT ON TABLE usom.flow IS 'A flow of orders that somebody wrote, on top of the built-in one: a version of it. A new one begins with one state for each status of orders but draft; usom.publish_flow() checks it, and from then on it does not change (US144). Orders keep the version they began with.';
COMMENT ON COLUMN usom.flow.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.flow.flow_id IS 'Key, see usom.flow_id().';
COMMENT ON COLUMN usom.flow.code IS 'Name that rules and messages use.';
COMMENT ON COLUMN usom.flow.version IS 'Version; later ones are made by usom.revise_flow().';
COMMENT ON COLUMN usom.flow.description IS 'Words for people.';
COMMENT ON COLUMN usom.flow.published_at IS 'When it was published; null: it is being written.';
COMMENT ON COLUMN usom.flow.published_by IS 'Session user who published it.';
COMMENT ON COLUMN usom.flow.created_at IS 'When the row was made.';

CREATE TABLE usom.flow_state (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	flow_id bigint NOT NULL,
	state text NOT NULL CONSTRAINT flow_state_given CHECK (state <> ''),
	status usom.order_status NOT NULL CONSTRAINT flow_state_not_of_drafts CHECK (status <> 'draft'),
	starts boolean NOT NULL DEFAULT false,
	description text,
	built_in boolean NOT NULL DEFAULT false,
	PRIMARY KEY (org_id, flow_id, state),
	CONSTRAINT flow_state_of_flow FOREIGN KEY (org_id, flow_id) REFERENCES usom.flow ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE UNIQUE INDEX flow_state_starts_once ON usom.flow_state (org_id, flow_id, status) WHERE starts;
COMMENT ON TABLE usom.flow_state IS 'A state of a flow: it lies within one status of orders.';
COMMENT ON COLUMN usom.flow_state.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.flow_state.flow_id IS 'Version of the flow.';
COMMENT ON COLUMN usom.flow_state.state IS 'Name of the state.';
COMMENT ON COLUMN usom.flow_state.status IS 'Status that orders in the state have. A draft has no state: its flow is settled when it is submitted.';
COMMENT ON COLUMN usom.flow_state.starts IS 'On: orders that come into the status without a transition of their own begin here. One of the states of a status is it.';
COMMENT ON COLUMN usom.flow_state.description IS 'Words for people.';
COMMENT ON COLUMN usom.flow_state.built_in IS 'On: the flow was made with it; if no transition from it is written, it goes on as the built-in flow does.';

CREATE TABLE usom.flow_transition (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	flow_id bigint NOT NULL,
	from_state text NOT NULL,
	to_state text NOT NULL,
	rank integer NOT NULL DEFAULT 10,
	description text,
	built_in boolean NOT NULL DEFAULT false,
	PRIMARY KEY (org_id, flow_id, from_state, to_state),
	CONSTRAINT flow_transition_leads_on CHECK (from_state <> to_state),
	CONSTRAINT flow_transition_from FOREIGN KEY (org_id, flow_id, from_state) REFERENCES usom.flow_state ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT flow_transition_to FOREIGN KEY (org_id, flow_id, to_state) REFERENCES usom.flow_state ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.flow_transition IS 'A step of a flow. Between states of one status it is taken by usom.take_step(), or by UPDATE ... SET flow_state; between statuses, when the order goes from the one to the other.';
COMMENT ON COLUMN usom.flow_transition.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.flow_transition.flow_id IS 'Version of the flow.';
COMMENT ON COLUMN usom.flow_transition.from_state IS 'State that it leads from.';
COMMENT ON COLUMN usom.flow_transition.to_state IS 'State that it leads to.';
COMMENT ON COLUMN usom.flow_transition.rank IS 'If several lead to the status that the order goes to, the lowest is asked first, then by the name of the state; the first that its guards let pass is taken.';
COMMENT ON COLUMN usom.flow_transition.description IS 'Words for people.';
COMMENT ON COLUMN usom.flow_transition.built_in IS 'On: nobody wrote it; it was added when the flow was published.';

CREATE TABLE usom.flow_guard (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	flow_id bigint NOT NULL,
	from_state text NOT NULL,
	to_state text NOT NULL,
	guard text NOT NULL CONSTRAINT flow_guard_named CHECK (guard ~ '^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$'),
	severity text NOT NULL DEFAULT 'refuse' CONSTRAINT flow_guard_severity_known CHECK (severity IN ('off', 'warn', 'hold', 'refuse')),
	hold_type text NOT NULL DEFAULT 'review' CONSTRAINT flow_guard_hold_type_given CHECK (hold_type <> ''),
	message text,
	PRIMARY KEY (org_id, flow_id, from_state, to_state, guard),
	CONSTRAINT flow_guard_of_transition FOREIGN KEY (org_id, flow_id, from_state, to_state) REFERENCES usom.flow_transition ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.flow_guard IS 'What must be true of an order that takes a step of a flow.';
COMMENT ON COLUMN usom.flow_guard.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.flow_guard.flow_id IS 'Version of the flow.';
COMMENT ON COLUMN usom.flow_guard.from_state IS 'State that the step leads from.';
COMMENT ON COLUMN usom.flow_guard.to_state IS 'State that it leads to.';
COMMENT ON COLUMN usom.flow_guard.guard IS 'One of usom''s own: paid, promised, released, reserved, unheld; or schema.function: a function (org_id bigint, order_no text) RETURNS boolean, STABLE or IMMUTABLE, owned by a superuser or by the owner of usom, as whom it runs. It sees the order as it is before the step; null counts as false.';
COMMENT ON COLUMN usom.flow_guard.severity IS 'If it is not true: refuse: the step is not taken; hold: it is taken, and a hold placed; warn: it is taken, and an exception raised; off: it is not asked.';
COMMENT ON COLUMN usom.flow_guard.hold_type IS 'Type of the hold that is placed.';
COMMENT ON COLUMN usom.flow_guard.message IS 'What people read if it is not true; null: its name.';

CREATE TABLE usom.flow_effect (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	flow_id bigint NOT NULL,
	from_state text NOT NULL,
	to_state text NOT NULL,
	effect text NOT NULL CONSTRAINT flow_effect_known CHECK (effect IN ('hold', 'release_hold', 'event', 'exception')),
	argument text NOT NULL CONSTRAINT flow_effect_argument_given CHECK (argument <> ''),
	message text,
	PRIMARY KEY (org_id, flow_id, from_state, to_state, effect, argument),
	CONSTRAINT flow_effect_releases_no_approval CHECK (effect <> 'release_hold' OR argument <> 'approval'),
	CONSTRAINT flow_effect_of_transition FOREIGN KEY (org_id, flow_id, from_state, to_state) REFERENCES usom.flow_transition ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.flow_effect IS 'What a step of a flow does besides.';
COMMENT ON COLUMN usom.flow_effect.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.flow_effect.flow_id IS 'Version of the flow.';
COMMENT ON COLUMN usom.flow_effect.from_state IS 'State that the step leads from.';
COMMENT ON COLUMN usom.flow_effect.to_state IS 'State that it leads to.';
COMMENT ON COLUMN usom.flow_effect.effect IS 'hold: place a hold on the order; release_hold: end its active holds of a type; event: tell the outside; exception: raise one for people.';
COMMENT ON COLUMN usom.flow_effect.argument IS 'Type of the hold, or kind of the event or exception.';
COMMENT ON COLUMN usom.flow_effect.message IS 'Reason of the hold, or words of the exception; null: the step.';

CREATE TABLE usom.flow_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	flow_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT flow_rule_code_given CHECK (code <> ''),
	flow text NOT NULL,
	order_type usom.order_type,
	channel text,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, flow_rule_id),
	CONSTRAINT flow_rule_code_unique UNIQUE (org_id, code)
);
CREATE UNIQUE INDEX flow_rule_of_orders_once ON usom.flow_rule (org_id, order_type, channel) NULLS NOT DISTINCT WHERE active;
COMMENT ON TABLE usom.flow_rule IS 'Which orders take which flow: the newest published version of it, when they are placed or submitted. Of several rules that fit the one with both order_type and channel counts, then order_type, then channel. Orders that none fits take the built-in flow.';
COMMENT ON COLUMN usom.flow_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.flow_rule.flow_rule_id IS 'Key.';
COMMENT ON COLUMN usom.flow_rule.code IS 'Name of the rule.';
COMMENT ON COLUMN usom.flow_rule.flow IS 'Code of a published flow.';
COMMENT ON COLUMN usom.flow_rule.order_type IS 'Type of the order; null: any.';
COMMENT ON COLUMN usom.flow_rule.channel IS 'Code of the channel of the order; null: any.';
COMMENT ON COLUMN usom.flow_rule.active IS 'Off: no order takes a flow by it.';
COMMENT ON COLUMN usom.flow_rule.created_at IS 'When the row was made.';

CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.flow
	FOR EACH ROW EXECUTE FUNCTION usom._guard_flow();
CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.flow_state
	FOR EACH ROW EXECUTE FUNCTION usom._guard_flow_part();
CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.flow_transition
	FOR EACH ROW EXECUTE FUNCTION usom._guard_flow_part();
CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.flow_guard
	FOR EACH ROW EXECUTE FUNCTION usom._guard_flow_part();
CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.flow_effect
	FOR EACH ROW EXECUTE FUNCTION usom._guard_flow_part();
ALTER TABLE usom.flow ENABLE ALWAYS TRIGGER usom_guard;
ALTER TABLE usom.flow_state ENABLE ALWAYS TRIGGER usom_guard;
ALTER TABLE usom.flow_transition ENABLE ALWAYS TRIGGER usom_guard;
ALTER TABLE usom.flow_guard ENABLE ALWAYS TRIGGER usom_guard;
ALTER TABLE usom.flow_effect ENABLE ALWAYS TRIGGER usom_guard;
CREATE TRIGGER usom_furnish AFTER INSERT ON usom.flow
	FOR EACH ROW WHEN (NEW.version = 1) EXECUTE FUNCTION usom._furnish_flow();
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.flow_rule
	FOR EACH ROW EXECUTE FUNCTION usom._check_flow_rule();

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.flow
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed('flow');
ALTER TABLE usom.flow ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.flow_state
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.flow_state ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.flow_transition
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.flow_transition ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.flow_guard
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.flow_guard ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.flow_effect
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.flow_effect ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.flow_rule
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.flow_rule ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('flow');
SELECT usom._guard_cards('flow_state');
SELECT usom._guard_cards('flow_transition');
SELECT usom._guard_cards('flow_guard');
SELECT usom._guard_cards('flow_effect');
SELECT usom._guard_cards('flow_rule');
SELECT usom._guard_master('flow_rule', 'code');
SELECT usom._audit_table('flow');
SELECT usom._audit_table('flow_state');
SELECT usom._audit_table('flow_transition');
SELECT usom._audit_table('flow_guard');
SELECT usom._audit_table('flow_effect');
SELECT usom._audit_table('flow_rule');

CREATE VIEW usom.flows WITH (security_invoker = true) AS
SELECT f.code, f.version, CASE WHEN f.published_at IS NULL THEN 'draft' ELSE 'published' END AS status, f.description, f.published_at, f.published_by,
	(SELECT count(*) FROM usom.flow_state s WHERE s.org_id = f.org_id AND s.flow_id = f.flow_id) AS states,
	ARRAY(SELECT r.code FROM usom.flow_rule r WHERE r.org_id = f.org_id AND r.flow = f.code AND r.active
		AND f.version = (SELECT max(n.version) FROM usom.flow n WHERE n.org_id = f.org_id AND n.code = f.code AND n.published_at IS NOT NULL) ORDER BY 1) AS rules
FROM usom.flow f
WHERE f.org_id = usom.current_org();
COMMENT ON VIEW usom.flows IS 'Versions of flows of the caller''s organisation.';
COMMENT ON COLUMN usom.flows.code IS 'Flow.';
COMMENT ON COLUMN usom.flows.version IS 'Version.';
COMMENT ON COLUMN usom.flows.status IS 'draft or published.';
COMMENT ON COLUMN usom.flows.description IS 'Words for people.';
COMMENT ON COLUMN usom.flows.published_at IS 'When it was published; null: it is being written.';
COMMENT ON COLUMN usom.flows.published_by IS 'By whom.';
COMMENT ON COLUMN usom.flows.states IS 'How many states it has.';
COMMENT ON COLUMN usom.flows.rules IS 'Rules that send orders to it now.';

CREATE VIEW usom.flow_steps WITH (security_invoker = true) AS
SELECT f.code AS flow, f.version, t.from_state, a.status::text AS from_status, t.to_state, b.status::text AS to_status, t.rank, t.built_in, t.description,
	ARRAY(SELECT g.severity || ': ' || g.guard FROM usom.flow_guard g WHERE g.org_id = t.org_id AND g.flow_id = t.flow_id
		AND g.from_state = t.from_state AND g.to_state = t.to_state ORDER BY g.guard) AS guards,
	ARRAY(SELECT e.effect || ': ' || e.argument FROM usom.flow_effect e WHERE e.org_id = t.org_id AND e.flow_id = t.flow_id
		AND e.from_state = t.from_state AND e.to_state = t.to_state ORDER BY e.effect, e.argument) AS effects
FROM usom.flow_transition t
JOIN usom.flow f ON f.org_id = t.org_id AND f.flow_id = t.flow_id
JOIN usom.flow_state a ON a.org_id = t.org_id AND a.flow_id = t.flow_id AND a.state = t.from_state
JOIN usom.flow_state b ON b.org_id = t.org_id AND b.flow_id = t.flow_id AND b.state = t.to_state
WHERE t.org_id = usom.current_org();
COMMENT ON VIEW usom.flow_steps IS 'Steps of the flows of the caller''s organisation, with their guards and effects.';
COMMENT ON COLUMN usom.flow_steps.flow IS 'Flow.';
COMMENT ON COLUMN usom.flow_steps.version IS 'Version.';
COMMENT ON COLUMN usom.flow_steps.from_state IS 'State that it leads from.';
COMMENT ON COLUMN usom.flow_steps.from_status IS 'Status of that state.';
COMMENT ON COLUMN usom.flow_steps.to_state IS 'State that it leads to.';
COMMENT ON COLUMN usom.flow_steps.to_status IS 'Status of that state.';
COMMENT ON COLUMN usom.flow_steps.rank IS 'Of several that lead to one status the lowest is asked first.';
COMMENT ON COLUMN usom.flow_steps.built_in IS 'On: nobody wrote it; it was added when the flow was published.';
COMMENT ON COLUMN usom.flow_steps.description IS 'Words for people.';
COMMENT ON COLUMN usom.flow_steps.guards IS 'Severity and guard of each.';
COMMENT ON COLUMN usom.flow_steps.effects IS 'Effect and what it is about.';
