ALTER TABLE `rpc_answers` ADD `order_id` text;--> statement-breakpoint
ALTER TABLE `claims` ADD `preimage` text;