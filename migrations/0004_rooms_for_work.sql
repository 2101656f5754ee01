DROP INDEX `tasks_due`;--> statement-breakpoint
DROP INDEX `tasks_lane`;--> statement-breakpoint
ALTER TABLE `tasks` ADD `behind` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `tasks` ADD `turn` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_ready` ON `tasks` (`kind`,`state`,`behind`,`due_at`,`turn`);--> statement-breakpoint
CREATE INDEX `tasks_in_lane` ON `tasks` (`lane`,`state`,`behind`,`id`);--> statement-breakpoint
UPDATE `tasks` SET `turn` = `id`;--> statement-breakpoint
UPDATE `tasks` SET `kind` = (`payload` ->> '$.order.kind') || '.' || (`payload` ->> '$.activity'), `lane` = substr(`lane`, 1, 68) WHERE `kind` = 'order.activity';--> statement-breakpoint
UPDATE `tasks` SET `lane` = NULL WHERE `lane` GLOB 'timer:*' OR `lane` GLOB 'payout:*';
