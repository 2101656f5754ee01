CREATE TABLE `former_receipts` (
	`event_id` text PRIMARY KEY NOT NULL,
	`owner` text NOT NULL,
	`order_ids` text NOT NULL,
	`kind` text NOT NULL,
	`event` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `former_receipts_orders` ON `former_receipts` (`order_ids`);--> statement-breakpoint
ALTER TABLE `debts` ADD `receipt_id` text;--> statement-breakpoint
ALTER TABLE `debts` ADD `payment_hash` text;--> statement-breakpoint
ALTER TABLE `receipts` ADD `session` text;--> statement-breakpoint
ALTER TABLE `receipts` ADD `invoice_ids` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
CREATE INDEX `receipts_orders` ON `receipts` (`order_ids`);--> statement-breakpoint
CREATE INDEX `receipts_session` ON `receipts` (`session`) WHERE "receipts"."session" IS NOT NULL;--> statement-breakpoint
-- Receipts begin anew. The former ones stay for the books; what was owed by them is told with the payment it came from.
INSERT INTO `former_receipts` (`event_id`, `owner`, `order_ids`, `kind`, `event`, `created_at`)
SELECT `event_id`, `owner`, `order_ids`, `kind`, `event`, `created_at` FROM `receipts` ORDER BY `rowid`;--> statement-breakpoint
DELETE FROM `receipts`;--> statement-breakpoint
UPDATE `debts` SET `payment_hash` = coalesce(
  (SELECT `payment_hash` FROM `invoices` WHERE `order_id` = `debts`.`order_id` AND `state` = 'paid' ORDER BY `id` DESC LIMIT 1),
  (SELECT `payment_hash` FROM `invoices` WHERE `owner` = `debts`.`owner` AND `state` = 'paid' ORDER BY `id` DESC LIMIT 1));
