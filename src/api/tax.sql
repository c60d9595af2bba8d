CREATE TYPE usom._tax_answer AS (
	sales_order_id bigint,
	line_no integer,
	product_id bigint,
	jurisdiction text,
	amount numeric,
	included boolean,
	taxable numeric
);
COMMENT ON TYPE usom._tax_answer IS 'A tax that was told for a line, on its way from C to order_tax, by unnest().';

CREATE FUNCTION usom.set_order_tax(order_no text, taxes jsonb, reason text DEFAULT NULL)
RETURNS TABLE (status text, new_version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_set_order_tax'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.set_order_tax(text, jsonb, text) IS
'Take the taxes that a tax service has worked out for lines of an order, before anything of it is shipped.
order_no: the order. reason: why.
taxes: an array of {line_no, amount, included, jurisdiction}. amount: the tax on all units of the line and its share of the freight, in the currency of the order and not finer than its smallest unit. included: is it in the price (false)? jurisdiction: whose tax it is (outside).
What is told stands before every row of tax_rate; lines that are not named keep the tax they have. If the line changes later, the tax follows its amount in proportion until it is told again.
Returns the status and the new version of the order.
Errors: US105 unknown order, US106 unknown line, US108 unreadable taxes, US113 a component of a kit, US420 a tax that cannot be, US421 something was shipped or the order has ended, US102 a hold blocks change.
Example: SELECT * FROM usom.set_order_tax(''SO-000001'', ''[{"line_no": 1, "amount": 1.53, "jurisdiction": "US-CA"}]'');';
