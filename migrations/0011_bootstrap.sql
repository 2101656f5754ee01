CREATE TABLE `bootstraps` (
	`id` text PRIMARY KEY NOT NULL,
	`seq` integer NOT NULL,
	`state` text NOT NULL,
	`owner` text NOT NULL,
	`dialect` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`doing` text,
	`node_pubkey` text,
	`details` text NOT NULL,
	CONSTRAINT "bootstraps_seq" CHECK("bootstraps"."seq" >= 1)
);
--> statement-breakpoint
CREATE INDEX `bootstraps_owner` ON `bootstraps` (`owner`,`created_at`);--> statement-breakpoint
CREATE INDEX `bootstraps_state` ON `bootstraps` (`state`);--> statement-breakpoint
CREATE UNIQUE INDEX `bootstraps_live` ON `bootstraps` (`owner`) WHERE "bootstraps"."state" IN ('awaiting_payment', 'provisioning', 'ready', 'expiring');--> statement-breakpoint
CREATE UNIQUE INDEX `bootstraps_node` ON `bootstraps` (`node_pubkey`);--> statement-breakpoint
CREATE INDEX `bootstraps_doing` ON `bootstraps` (`doing`) WHERE "bootstraps"."doing" IS NOT NULL;--> statement-breakpoint
CREATE TABLE `cloud_calls` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`order_id` text NOT NULL,
	`attempt` integer NOT NULL,
	`call` text NOT NULL,
	`name` text NOT NULL,
	`intent_at` integer NOT NULL,
	`ended_at` integer,
	`outcome` text,
	`resource` text,
	CONSTRAINT "cloud_calls_ended" CHECK(("cloud_calls"."ended_at" IS NULL) = ("cloud_calls"."outcome" IS NULL))
);
--> statement-breakpoint
CREATE INDEX `cloud_calls_order` ON `cloud_calls` (`order_id`,`call`);--> statement-breakpoint
CREATE TABLE `cloud_rentals` (
	`resource` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`order_id` text NOT NULL,
	`name` text NOT NULL,
	`region` text NOT NULL,
	`size` text NOT NULL,
	`hourly_usd_micros` integer NOT NULL,
	`monthly_usd_micros` integer NOT NULL,
	`from_at` integer NOT NULL,
	`gone_at` integer,
	`is_stub` integer NOT NULL,
	CONSTRAINT "cloud_rentals_price" CHECK("cloud_rentals"."hourly_usd_micros" >= 0 AND "cloud_rentals"."monthly_usd_micros" >= 0),
	CONSTRAINT "cloud_rentals_time" CHECK("cloud_rentals"."gone_at" IS NULL OR "cloud_rentals"."gone_at" >= "cloud_rentals"."from_at")
);
--> statement-breakpoint
CREATE INDEX `cloud_rentals_order` ON `cloud_rentals` (`order_id`);--> statement-breakpoint
CREATE INDEX `cloud_rentals_live` ON `cloud_rentals` (`gone_at`) WHERE "cloud_rentals"."gone_at" IS NULL;--> statement-breakpoint
CREATE TABLE `cloud_strays` (
	`resource` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`first_at` integer NOT NULL,
	`last_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `node_reports` (
	`pubkey` text PRIMARY KEY NOT NULL,
	`order_id` text NOT NULL,
	`seq` integer NOT NULL,
	`at` integer NOT NULL,
	`report` text NOT NULL
);
