CREATE TABLE `model_purses` (
	`purse` text NOT NULL,
	`day` text NOT NULL,
	`usd_nanos` integer NOT NULL,
	PRIMARY KEY(`purse`, `day`)
);
--> statement-breakpoint
CREATE TABLE `demos` (
	`id` text PRIMARY KEY NOT NULL,
	`seq` integer NOT NULL,
	`state` text NOT NULL,
	`owner` text NOT NULL,
	`dialect` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`request_id` integer,
	`details` text NOT NULL,
	CONSTRAINT "demos_seq" CHECK("demos"."seq" >= 1)
);
--> statement-breakpoint
CREATE INDEX `demos_owner` ON `demos` (`owner`,`created_at`);--> statement-breakpoint
CREATE INDEX `demos_age` ON `demos` (`created_at`);--> statement-breakpoint
CREATE INDEX `demos_state` ON `demos` (`state`);