import type { Command } from 'commander'
import type { Finish } from './finish.ts'

export function addReportCommand(program: Command, finish: Finish): void {
  program
    .command('report')
    .description('writes the report of an analysed run: one HTML file, and Markdown for GitHub')
    .argument('<run>', 'name of the run, or its folder')
    .option('--results <folder>', 'where results are', 'results')
    .option('--json', 'the report as data on standard output, without files')
    .addHelpText(
      'after',
      '\nExample:\n  cem report my        results/report_my.html and results/report_my.md, as at the end of cem run',
    )
    .action(async (run: string, flags) => {
      const { reportCommand } = await import('../commands/report.ts')
      finish(await reportCommand(run, flags))
    })
}
