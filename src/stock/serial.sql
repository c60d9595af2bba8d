CREATE TYPE usom._serial_line AS (
	sales_order_id bigint,
	line_no integer,
	location_id bigint,
	kept bigint,
	picked bigint,
	shipped bigint
);
COMMENT ON TYPE usom._serial_line IS 'Units of a line at a location that have serial numbers, on their way from C to serial_unit, by unnest().';
