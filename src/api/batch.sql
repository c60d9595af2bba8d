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
	payload_digest bytea,
	paid usom.charge
);
COMMENT ON TYPE usom._header_row IS 'The header of a new order on its way from C to sales_order, by unnest().';

CREATE TYPE usom._price_question AS (
	position integer,
	products bigint[],
	units numeric[],
	currency text,
	at timestamptz,
	customer_id bigint,
	kinds boolean[],
	most numeric
);
COMMENT ON TYPE usom._price_question IS 'What the prices of an order are read by, for all orders of a batch, by unnest().';

CREATE TYPE usom._pack_question AS (
	position integer,
	products bigint[],
	units text[],
	currency text,
	at timestamptz
);
COMMENT ON TYPE usom._pack_question IS 'What prices of boxes of an order are read by, for all orders of a batch, by unnest().';

CREATE TYPE usom._coupon_question AS (
	position integer,
	codes text[],
	sales_order_id bigint,
	at timestamptz,
	is_told boolean
);
COMMENT ON TYPE usom._coupon_question IS 'What the coupons of an order are read by, for all orders of a batch, by unnest().';

CREATE TYPE usom._charge_question AS (
	position integer,
	products bigint[],
	line_nos integer[],
	customer_id bigint,
	sales_order_id bigint,
	address_id bigint
);
COMMENT ON TYPE usom._charge_question IS 'What freight and tax of an order are read by, for all orders of a batch, by unnest().';

CREATE TYPE usom._check_question AS (
	position integer,
	customer_id bigint,
	address_id bigint,
	products bigint[]
);
COMMENT ON TYPE usom._check_question IS 'What checks of an order are read by, for all orders of a batch, by unnest().';
