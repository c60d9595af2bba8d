-- step 1
CREATE TABLE usom.product (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	product_id bigint NOT NULL DEFAULT usom.next_id(),
	sku text NOT NULL CONSTRAINT product_sku_given CHECK (sku <> ''),
	name text,
	kind text NOT NULL DEFAULT 'physical' CONSTRAINT product_kind_known CHECK (kind IN ('physical', 'service', 'kit')),
	kit_policy text NOT NULL DEFAULT 'whole' CONSTRAINT product_kit_policy_known CHECK (kit_policy IN ('whole', 'parts')),
	unit text NOT NULL DEFAULT 'each',
	category text CONSTRAINT product_category_given CHECK (category <> ''),
	weight usom.quantity NOT NULL DEFAULT 0,
	volume usom.quantity NOT NULL DEFAULT 0,
	handling text[] NOT NULL DEFAULT '{}' CONSTRAINT product_handling_codes CHECK (array_position(handling, NULL) IS NULL),
	tax_class text CONSTRAINT product_tax_class_given CHECK (tax_class <> ''),
	decoupling text NOT NULL DEFAULT 'make_to_stock' CONSTRAINT product_decoupling_known CHECK (decoupling IN ('make_to_stock', 'assemble', 'make_to_order', 'engineer_to_order')),
	based_on text,
	attributes jsonb,
	fill_on_receipt boolean,
	tracking text NOT NULL DEFAULT 'none' CONSTRAINT product_tracking_known CHECK (tracking IN ('none', 'lot', 'serial')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, product_id),
	CONSTRAINT product_sku_unique UNIQUE (org_id, sku)
);
COMMENT ON TABLE usom.product IS 'What is sold. Physical products are held in stock; services (postage, fees) are not; kits are sold as one and served as their components.';
COMMENT ON COLUMN usom.product.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.product.product_id IS 'Key.';
COMMENT ON COLUMN usom.product.sku IS 'What order documents name.';
COMMENT ON COLUMN usom.product.name IS 'Name for people.';
COMMENT ON COLUMN usom.product.kind IS 'physical, service or kit.';
COMMENT ON COLUMN usom.product.kit_policy IS 'Of a kit: whole, its components are reserved for whole kits alone; parts, each component is reserved and backordered on its own. A change holds for orders that run, too, from their next plan on.';
COMMENT ON COLUMN usom.product.unit IS 'Unit of every quantity of the product.';
COMMENT ON COLUMN usom.product.category IS 'Group of products that sourcing rules may name; null: none.';
COMMENT ON COLUMN usom.product.weight IS 'Kilograms of one unit, for freight.';
COMMENT ON COLUMN usom.product.volume IS 'Litres of one unit, for packing; 0: not known.';
COMMENT ON COLUMN usom.product.handling IS 'Codes of the handling classes that it is of: fragile, cold.';
COMMENT ON COLUMN usom.product.tax_class IS 'Group of products that tax rates may name: food, books; null: none.';
COMMENT ON COLUMN usom.product.decoupling IS 'Where its stock ends: make_to_stock and assemble are served from the shelf; make_to_order and engineer_to_order wait for what is made for them, whatever the type of their order. A change holds from the next plan on.';
COMMENT ON COLUMN usom.product.based_on IS 'Product that one made for an order was derived from; null: none.';
COMMENT ON COLUMN usom.product.attributes IS 'What one made for an order is to be like; null: nothing was said.';
COMMENT ON COLUMN usom.product.fill_on_receipt IS 'Does what receive_stock() takes in go to waiting lines in the same call? Null: as the organisation has it.';
COMMENT ON COLUMN usom.product.tracking IS 'none; lot: units come with the name of their lot; serial: each unit has a number of its own. Changes only while none is on hand.';
COMMENT ON COLUMN usom.product.active IS 'Off: no new orders.';
COMMENT ON COLUMN usom.product.created_at IS 'When the row was made.';

CREATE TABLE usom.kit_component (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	kit_product_id bigint NOT NULL,
	component_product_id bigint NOT NULL,
	quantity usom.positive_quantity NOT NULL DEFAULT 1,
	PRIMARY KEY (org_id, kit_product_id, component_product_id),
	CONSTRAINT kit_component_of_kit FOREIGN KEY (org_id, kit_product_id) REFERENCES usom.product ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT kit_component_is_product FOREIGN KEY (org_id, component_product_id) REFERENCES usom.product ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.kit_component IS 'What kits are made of. Orders keep what a kit was made of when they were placed.';
COMMENT ON COLUMN usom.kit_component.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.kit_component.kit_product_id IS 'The kit: usom.product_id(''sku'').';
COMMENT ON COLUMN usom.kit_component.component_product_id IS 'What is in it: a physical product, a service, or another kit.';
COMMENT ON COLUMN usom.kit_component.quantity IS 'Units of the component for one kit.';
-- Rows that replication brings were checked where they came from, so this trigger is not ENABLE ALWAYS.
CREATE TRIGGER usom_kit AFTER INSERT OR UPDATE ON usom.kit_component
	FOR EACH ROW EXECUTE FUNCTION usom._check_kit_component();

CREATE VIEW usom.kits WITH (security_invoker = true) AS
SELECT k.sku AS kit, k.name, k.kit_policy AS policy, p.sku AS component, p.kind, trim_scale(c.quantity) AS quantity, k.active
FROM usom.product k
LEFT JOIN usom.kit_component c ON c.org_id = k.org_id AND c.kit_product_id = k.product_id
LEFT JOIN usom.product p ON p.org_id = c.org_id AND p.product_id = c.component_product_id
WHERE k.kind = 'kit' AND k.org_id = usom.current_org();
COMMENT ON VIEW usom.kits IS 'The kits of the caller''s organisation, one row for each component.';
COMMENT ON COLUMN usom.kits.kit IS 'SKU of the kit.';
COMMENT ON COLUMN usom.kits.name IS 'Name of the kit for people.';
COMMENT ON COLUMN usom.kits.policy IS 'whole: its components are reserved for whole kits alone; parts: each on its own.';
COMMENT ON COLUMN usom.kits.component IS 'SKU of what is in it; null: nothing yet, so it cannot be ordered.';
COMMENT ON COLUMN usom.kits.kind IS 'physical, service or kit.';
COMMENT ON COLUMN usom.kits.quantity IS 'Units of the component for one kit.';
COMMENT ON COLUMN usom.kits.active IS 'False: no new orders.';

CREATE TABLE usom.substitute (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	sku text NOT NULL,
	substitute_sku text NOT NULL,
	quantity usom.positive_quantity NOT NULL DEFAULT 1,
	substitute_quantity usom.positive_quantity NOT NULL DEFAULT 1,
	priority integer NOT NULL DEFAULT 100,
	price_rule text NOT NULL DEFAULT 'keep' CONSTRAINT substitute_price_rule_known CHECK (price_rule IN ('keep', 'lower', 'actual')),
	active boolean NOT NULL DEFAULT true,
	PRIMARY KEY (org_id, sku, substitute_sku),
	CONSTRAINT substitute_of_product FOREIGN KEY (org_id, sku) REFERENCES usom.product (org_id, sku) ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT substitute_by_product FOREIGN KEY (org_id, substitute_sku) REFERENCES usom.product (org_id, sku) ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT substitute_by_another CHECK (sku <> substitute_sku)
);
COMMENT ON TABLE usom.substitute IS 'Which product may take the place of which one that is short. A substitute is not replaced in its turn.';
COMMENT ON COLUMN usom.substitute.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.substitute.sku IS 'Product that is short.';
COMMENT ON COLUMN usom.substitute.substitute_sku IS 'Product that may be sent instead.';
COMMENT ON COLUMN usom.substitute.quantity IS 'So many units of the first ...';
COMMENT ON COLUMN usom.substitute.substitute_quantity IS '... are replaced by so many of the second: 12 and 1 for a box of twelve. Only whole multiples are.';
COMMENT ON COLUMN usom.substitute.priority IS 'Lower is preferred.';
COMMENT ON COLUMN usom.substitute.price_rule IS 'What the customer pays: keep (as for the units replaced, to four decimals a unit), lower (that or the list price, whichever is less) or actual (the list price). Without a list price: keep.';
COMMENT ON COLUMN usom.substitute.active IS 'Off: not proposed any more.';

CREATE VIEW usom.substitutes WITH (security_invoker = true) AS
SELECT r.sku, trim_scale(r.quantity) AS quantity, r.substitute_sku, trim_scale(r.substitute_quantity) AS substitute_quantity,
	r.priority, r.price_rule, r.active
FROM usom.substitute r
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.substitutes IS 'Which product may take the place of which one that is short; ORDER BY sku, priority shows them as they are tried.';
COMMENT ON COLUMN usom.substitutes.sku IS 'Product that is short.';
COMMENT ON COLUMN usom.substitutes.quantity IS 'So many units of it ...';
COMMENT ON COLUMN usom.substitutes.substitute_sku IS 'Product that may be sent instead.';
COMMENT ON COLUMN usom.substitutes.substitute_quantity IS '... are replaced by so many of the other.';
COMMENT ON COLUMN usom.substitutes.priority IS 'Lower is preferred.';
COMMENT ON COLUMN usom.substitutes.price_rule IS 'keep, lower or actual.';
COMMENT ON COLUMN usom.substitutes.active IS 'False: not proposed any more.';

SELECT usom._guard_cards('substitute');
SELECT usom._audit_table('substitute');
SELECT usom._guard_cards('product');
SELECT usom._guard_master('product', 'sku');
SELECT usom._audit_table('product');
SELECT usom._audit_table('kit_component');
