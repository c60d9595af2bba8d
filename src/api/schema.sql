-- step 1
CREATE TRIGGER usom_order_written AFTER INSERT OR UPDATE ON usom.sales_order
	FOR EACH ROW EXECUTE FUNCTION usom._order_written();
ALTER TABLE usom.sales_order ENABLE ALWAYS TRIGGER usom_order_written;

CREATE TRIGGER usom_switch_counter BEFORE UPDATE ON usom.document_counter
	FOR EACH ROW WHEN (OLD.gap_free IS DISTINCT FROM NEW.gap_free) EXECUTE FUNCTION usom.switch_counter();
