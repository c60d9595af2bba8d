CREATE TYPE usom._line_unit_row AS (
	sales_order_id bigint,
	line_no integer,
	product_id bigint,
	unit text,
	quantity numeric,
	per numeric,
	unit_price numeric
);
COMMENT ON TYPE usom._line_unit_row IS 'The unit of a line, on its way from C to line_unit, by unnest().';
