-- step 5
CREATE VIEW usom.serials WITH (security_invoker = true) AS
SELECT p.sku, u.serial, u.status, lo.code AS location, o.order_no, u.line_no, u.reference, u.changed_at, u.created_at
FROM usom.serial_unit u
JOIN usom.product p ON p.org_id = u.org_id AND p.product_id = u.product_id
LEFT JOIN usom.location lo ON lo.org_id = u.org_id AND lo.location_id = u.location_id
LEFT JOIN usom.sales_order o ON o.org_id = u.org_id AND o.sales_order_id = u.sales_order_id
WHERE u.org_id = usom.current_org();
COMMENT ON VIEW usom.serials IS 'Units with serial numbers of the caller''s organisation. Ask by sku and serial, or by order_no.';
COMMENT ON COLUMN usom.serials.sku IS 'Product.';
COMMENT ON COLUMN usom.serials.serial IS 'Serial number.';
COMMENT ON COLUMN usom.serials.status IS 'on_hand; reserved or picked for a line, on the shelf still; shipped; gone (taken out of stock).';
COMMENT ON COLUMN usom.serials.location IS 'Location where it is, or was last.';
COMMENT ON COLUMN usom.serials.order_no IS 'Order that it is for or went to; null: nobody''s.';
COMMENT ON COLUMN usom.serials.line_no IS 'Line of that order.';
COMMENT ON COLUMN usom.serials.reference IS 'Document of its last step.';
COMMENT ON COLUMN usom.serials.changed_at IS 'When its state changed last.';
COMMENT ON COLUMN usom.serials.created_at IS 'When it was received first.';
