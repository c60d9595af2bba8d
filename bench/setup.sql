-- Data of the bench: products with stock at one location, a customer with an
-- address.  Product i has the key :first_product + i - 1, so that clients can
-- name it without asking.
--
-- psql -v products=N -f setup.sql
SET client_min_messages = warning;

INSERT INTO usom.location (code) VALUES ('DC1');
INSERT INTO usom.customer (code, name, email) VALUES ('C1', 'A. Buyer', 'buyer@example.org');
INSERT INTO usom.customer_address (customer_id, address_no, name, line1, postcode, city, country)
	VALUES (usom.customer_id('C1'), 1, 'A. Buyer', '1 High Street', 'SW1A 1AA', 'London', 'GB');

SELECT usom.next_id() AS first_product \gset
INSERT INTO usom.product (product_id, sku, name)
	SELECT :first_product + i - 1, 'P' || i, 'Product ' || i FROM generate_series(1, :products) AS i;
SELECT setval('usom.id_seq', :first_product + :products) IS NULL AS moved \gset
SELECT usom.receive_stocks(jsonb_agg(jsonb_build_object('location', 'DC1', 'sku', 'P' || i, 'quantity', 100000000))) = :products AS received
	FROM generate_series(1, :products) AS i \gset
VACUUM ANALYZE usom.product, usom.stock;
