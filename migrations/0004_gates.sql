ALTER TABLE `invoices` ADD `opens` integer DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX `invoices_opened` ON `invoices` (`owner`,`created_at`) WHERE "invoices"."opens";--> statement-breakpoint
-- The first invoice of every order opened it.
UPDATE invoices SET opens = 1 WHERE id IN (SELECT min(id) FROM invoices GROUP BY order_id);
