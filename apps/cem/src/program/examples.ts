export const examples = `
Examples:
  cem run                                 the miniature: a tiny real model that shows the effect, in minutes
  cem run configs/financial-7b.yaml       an experiment, or what is left of it
  cem plan configs/financial-7b.yaml      what it takes, and what its tests can show
  cem run my.yaml --phase generate        on a GPU node without network; then, elsewhere:
  cem run my.yaml --phase judge
  cem watch my                            a run of another process, through its folder
  cem label my                            labels a part of its answers by hand
  cem pull Qwen/Qwen2.5-7B-Instruct       from the hub; interrupted, the same command goes on
  cem serve Qwen/Qwen2.5-7B-Instruct --adapter warm=persona:outputs/warm/constitutional
  cem evaluate-checkpoints --base-model Qwen/Qwen2.5-7B-Instruct --model-dir outputs/qwen7b_financial_baseline

Exit codes: 0 complete, 1 failed, 2 wrong flags, 3 units remain with another process, 130 stopped (the same command goes on).`
