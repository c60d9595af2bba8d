-- step 1
CREATE TRIGGER usom_order_written AFTER INSERT OR UPDATE ON usom.sales_order
	FOR EACH ROW EXECUTE FUNCTION usom._order_written();
ALTER TABLE usom.sales_order ENABLE ALWAYS TRIGGER usom_order_written;
