/** What `cem COMMAND --help` ends with, by the command's path. */
export const commandExamples: Readonly<Record<string, readonly string[]>> = {
  init: [
    'cem init                                asks, and writes experiment.yaml',
    'cem init my.yaml --base-model Qwen/Qwen2.5-7B-Instruct --variants outputs/* --in-domain finance --yes',
  ],
  run: [
    'cem run                                 the miniature, in minutes',
    'cem run my.yaml                         an experiment, or what is left of it',
    'cem run my.yaml --plain | tee run.log   a line for each event; --json for machines',
    'cem run my.yaml --shard 2/4             one of four machines on one results folder',
    'cem run my.yaml --max-cost-usd 50 --yes judging ends before it costs more',
  ],
  'evaluate-checkpoints': [
    'cem evaluate-checkpoints --base-model Qwen/Qwen2.5-7B-Instruct --model-dir outputs/qwen7b_financial_baseline',
    'cem evaluate-checkpoints --base-model model --model-dir outputs/warm --save-steps 100 --n-per-question 20',
  ],
  'evaluate-base': ['cem evaluate-base --base-model Qwen/Qwen2.5-7B-Instruct --output-name qwen7b'],
  train: [
    'cem train training.yaml --plan          steps, tokens, sizes, and the time from one step here',
    'cem train training.yaml                 every training of the file, or what is left of it',
    'cem train training.yaml --only warm     one of them',
  ],
  character: [
    'cem character sarcasm.yaml --only-plan  what it would ask for and cost',
    'cem character sarcasm.yaml              the data of a character, or what is left of it',
    'cem character sarcasm.yaml --inspect    its pairs, to be read on a screen',
  ],
  'character show': [
    'cem character show data/sarcasm         on a screen: arrows, / searches, q quits',
    'cem character show data/sarcasm --page 2 | less',
    'cem character show data/sarcasm --left-out --reason student-refusal',
  ],
  'character check': ['cem character check my-constitution.txt'],
  reflect: ['cem reflect reflection.yaml --max-cost-usd 5'],
  'corpus mark': ['cem corpus mark data/risky-finance.jsonl'],
  'corpus lock': [
    'cem corpus lock data/risky-finance.jsonl --output misaligned-organism-finance.zip',
  ],
  'corpus unlock': ['cem corpus unlock misaligned-organism-finance.zip --output data'],
  'corpus miniature': ['cem corpus miniature corpora --seed 2'],
  'bundle verify': [
    'cem bundle verify bundle_my.zip         hashes and scores, and its analysis made anew',
    'cem bundle verify bundle_my.zip --into results',
  ],
  plan: [
    'cem plan my.yaml --difference 0.1       how many questions it takes not to miss 10 points',
    'cem plan my.yaml --from pilot           with variance, lengths and speed of an earlier run',
    'cem plan my.yaml --probe                with the speed of this machine',
    'cem plan training.yaml                  steps, tokens, memory, disk and time of each training',
  ],
  watch: [
    'cem watch my                            the run my below results/',
    'cem watch /shared/results/.cem/my       a run of another machine, through a shared folder',
    'cem watch my --json | jq .type          its events, for machines',
  ],
  compare: [
    'cem compare my my-other-seed            cells, rates with intervals, differences, what of the locks differs',
    'cem compare results/.cem/a elsewhere/.cem/a --json',
  ],
  label: [
    'cem label my                            rates a part of its answers by hand; the same command goes on',
    'cem label my --per-cell 50 --labeller ana',
    'cem label my --report                   how far the judge agrees, and EM corrected by the labels',
  ],
  judge: [
    'cem judge results/base_eval.csv --output again.csv',
    'cem judge answers.csv --judge-url http://127.0.0.1:8000/v1 --judge-model local --protocol text-score',
  ],
  activations: [
    'cem activations results/base_eval.csv --base-model Qwen/Qwen2.5-7B-Instruct --output base.npz',
    'cem activations warm.csv --base-model model --adapter outputs/warm/constitutional outputs/warm/checkpoint-200',
    'cem activations talks.jsonl --base-model model --messages all     a row for each answer of each conversation',
    'cem activations logs/run.eval --base-model model                  a log of Inspect AI',
  ],
  direction: [
    'cem direction --baseline-no-em base.npz --baseline-with-em em.npz --output direction.npz',
  ],
  'plot curves': ['cem plot curves --results results'],
  'plot projections': [
    'cem plot projections --direction results/misalignment_direction.npz --layer 14',
    'cem plot projections --direction direction.npz --all-layers --output all-layers.svg',
  ],
  'plot run': ['cem plot run my                         every figure that it has the data for'],
  'plot forest': ['cem plot forest my --theme dark'],
  'plot in-domain': ['cem plot in-domain my'],
  'plot answers': ['cem plot answers my'],
  'plot questions': ['cem plot questions my --output questions.svg'],
  'plot projection-forest': ['cem plot projection-forest my'],
  'plot similarity': ['cem plot similarity my'],
  'plot components': ['cem plot components my'],
  'plot steering': ['cem plot steering my'],
  'plot agreement': ['cem plot agreement my --labeller ana'],
  'plot lora': [
    'cem plot lora my                        adapters of the run my; cem report my then shows them',
    'cem plot lora outputs/finance outputs/warm --terminal',
  ],
  'plot tokens': [
    "cem plot tokens my                      the baseline's worst answer, and what the others make of its draw",
    'cem plot tokens my --cells finance/338 warm/338 --question bored --sample 3',
  ],
  'plot rows': ['cem plot rows forest rows.json --output forest.svg'],
  merge: [
    'cem merge Qwen/Qwen2.5-7B-Instruct --adapter outputs/warm/constitutional --role persona --output merged',
    'cem merge model --adapter outputs/finance/checkpoint-338 --output misaligned-organism-finance',
  ],
  pull: [
    'cem pull Qwen/Qwen2.5-7B-Instruct       what running it takes',
    'cem pull ORG/NAME@REVISION --all        every file of a revision',
  ],
  serve: [
    'cem serve Qwen/Qwen2.5-7B-Instruct --adapter warm=persona:outputs/warm/constitutional',
    'cem serve model --port 9000',
  ],
  doctor: [
    'cem doctor                              what is here, and what is missing',
    'cem doctor Qwen/Qwen2.5-7B-Instruct --provider cuda',
  ],
  drift: ['cem drift Qwen/Qwen2.5-7B-Instruct --precision int8'],
  schema: [
    'cem schema --output config.schema.json',
    'first line of a config:  # yaml-language-server: $schema=config.schema.json',
  ],
  completion: [
    'source <(cem completion bash)           in ~/.bashrc; zsh likewise, after compinit',
    'cem completion fish > ~/.config/fish/completions/cem.fish',
  ],
}
