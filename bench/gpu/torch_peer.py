"""What Transformers does with the same folder on the same device: errors of its bfloat16 and of ours against float32, and its speed."""
import argparse, json, time
import torch
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--answers", help="JSON file of answers that the engine made")
parser.add_argument("--speed", default="", help="prompts,samples,tokens")
parser.add_argument("--adapter", help="a PEFT adapter, stacked")
parser.add_argument("--out")
args = parser.parse_args()
result = {}


def load(dtype):
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=dtype, attn_implementation="sdpa")
    if args.adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, args.adapter)
    return model.to("cuda").eval()


@torch.no_grad()
def forced(model, answers):
    """Log-probabilities of the answers' tokens and mean states over them, of every block but the last."""
    logprobs, means = [], []
    for a in answers:
        ids = torch.tensor([a["prompt"] + a["tokens"]], device="cuda")
        out = model(ids, output_hidden_states=True)
        n = len(a["prompt"])
        lp = torch.log_softmax(out.logits[0, n - 1 : -1].float(), -1)
        logprobs.append(lp.gather(1, ids[0, n:, None])[:, 0].cpu())
        means.append(torch.stack([h[0, n:].float().mean(0) for h in out.hidden_states[1:-1]]).cpu())
    return logprobs, means


def errors(got, want):
    lp = torch.cat(got[0]) - torch.cat(want[0])
    m = [((g - w).norm(dim=-1) / w.norm(dim=-1)).mean().item() for g, w in zip(got[1], want[1])]
    return {"logprobRms": lp.pow(2).mean().sqrt().item(), "logprobMax": lp.abs().max().item(), "meanStateRelative": sum(m) / len(m)}


if args.answers:
    answers = json.load(open(args.answers))
    model = load(torch.float32)
    want = forced(model, answers)
    del model
    torch.cuda.empty_cache()
    model = load(torch.bfloat16)
    theirs = forced(model, answers)
    n_layers = want[1][0].shape[0]
    d = want[1][0].shape[1]
    ours = (
        [torch.tensor(a["logprobs"][: len(a["tokens"])]) for a in answers],
        [torch.tensor(a["content"]).view(-1, d)[:n_layers] for a in answers],
    )
    result["ours"] = errors(ours, want)
    result["torch"] = errors(theirs, want)
    result["logprobMean"] = torch.cat(want[0]).mean().item()
    print("against float32: ours", result["ours"])
    print("against float32: torch bfloat16", result["torch"], flush=True)
    del model
    torch.cuda.empty_cache()

if args.speed:
    p, s, n = map(int, args.speed.split(","))
    model = load(torch.bfloat16)
    torch.manual_seed(0)
    prompts = torch.randint(3, 1003, (p, 64), device="cuda").repeat_interleave(s, 0)
    ones = torch.ones_like(prompts)
    with torch.no_grad():
        for tokens in (4, n):
            torch.cuda.synchronize()
            t = time.time()
            out = model.generate(prompts, attention_mask=ones, do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                                 min_new_tokens=tokens, max_new_tokens=tokens, pad_token_id=0)
            torch.cuda.synchronize()
            generate = time.time() - t
        total = p * s * n
        result["generate"] = {"seconds": generate, "tokensPerSecond": total / generate}
        print(f"transformers generate bf16: {generate:.1f} s, {total / generate:.0f} tokens/s, peak {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB", flush=True)
        t = time.time()
        for start in range(0, len(out), 8):
            hidden = model(out[start : start + 8], output_hidden_states=True).hidden_states
            [h[:, 64:].float().mean(1).cpu() for h in hidden]
        torch.cuda.synchronize()
        result["extraction"] = {"seconds": time.time() - t}
        print(f"extraction pass: {result['extraction']['seconds']:.1f} s", flush=True)
        x = torch.empty(2**31, dtype=torch.uint8, device="cuda")
        y = torch.empty_like(x)
        y.copy_(x)
        torch.cuda.synchronize()
        t = time.time()
        for _ in range(10):
            y.copy_(x)
        torch.cuda.synchronize()
        result["copyBytesPerSecond"] = 10 * 2 * 2**31 / (time.time() - t)
        print(f"copy {result['copyBytesPerSecond'] / 1e12:.2f} TB/s")
if args.out:
    json.dump(result, open(args.out, "w"))
