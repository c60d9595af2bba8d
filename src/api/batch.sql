CREATE TYPE usom._header_row AS (
	sales_order_id bigint,
	order_no text,
	channel_id bigint,
	external_id text,
	revision usom.ordinal,
	order_type usom.order_type,
	customer_id bigint,
	status usom.order_status,
	currency usom.currency_code,
	total usom.amount,
	priority integer,
	placed_at timestamptz,
	requested_at timestamptz,
	ship_complete boolean,
	coupons text[],
	address_id bigint,
	payment jsonb,
	instructions text,
	payload_digest bytea
);
COMMENT ON TYPE usom._header_row IS 'The header of a new order on its way from C to sales_order, by unnest().';
