-- The files as they are, and usom beside them.
CREATE EXTENSION usom;
SELECT usom.install();
CREATE SCHEMA aw;
CREATE TABLE aw.location (id integer, name text, cost_rate numeric, availability numeric, modified text);
CREATE TABLE aw.product (id integer, name text, number text, made text, finished text, color text, safety integer, reorder integer, cost numeric, price numeric, size text, size_unit text, weight_unit text, weight numeric,
	days integer, line text, class text, style text, subcategory integer, model integer, sold_from text, sold_to text, discontinued text, guid text, modified text);
CREATE TABLE aw.inventory (product integer, location integer, shelf text, bin integer, quantity integer, guid text, modified text);
CREATE TABLE aw.address (id integer, line1 text, line2 text, city text, state integer, postcode text, latitude double precision, longitude double precision, guid text, modified text);
CREATE TABLE aw.state (id integer, code text, country text, is_country text, name text, territory integer, guid text, modified text);
CREATE TABLE aw.zip (code text, latitude double precision, longitude double precision, city text, state text, county text);
CREATE TABLE aw.list_price (product integer, starts_at timestamp, ends_at timestamp, price numeric, modified text);
CREATE TABLE aw.offer (id integer, name text, part numeric, kind text, category text, starts_at timestamp, ends_at timestamp, min_units integer, max_units integer, guid text, modified text);
CREATE TABLE aw.offer_product (offer integer, product integer, guid text, modified text);
CREATE TABLE aw.ship_method (id integer, name text, base numeric, rate numeric, guid text, modified text);
CREATE TABLE aw.purchase_line (po integer, id integer, due timestamp, ordered numeric, product integer, price numeric, value numeric, received numeric, rejected numeric, stocked numeric, modified text);
CREATE TABLE aw.tax (id integer, state integer, kind integer, percent numeric, name text, guid text, modified text);
