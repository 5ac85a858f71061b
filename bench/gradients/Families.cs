using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using F = TorchSharp.torch.nn.functional;
using Torch = TorchSharp.torch;

namespace Singa.Actors.Bench.Gradients;

/// <summary>Every op that is compared, a line or a method each. What arrives later joins the list.</summary>
internal static class Families
{
    public static IEnumerable<Family> All =>
    [
        new("Conv2d: stride, padding, dilation, groups", Conv2d),
        new("Conv2d, depthwise", Depthwise),
        new("Conv1d: stride, padding, dilation, groups", Conv1d),
        new("MaxPool2d", d => Pool(d, (k, s, p) => (new MaxPool2d(k) { Stride = s, Padding = p }, x => F.max_pool2d(x, [k, k], [s, s], [p, p])))),
        new("AveragePool2d, padding left out", d => Pool(d, (k, s, p) => (new AveragePool2d(k) { Stride = s, Padding = p }, x => F.avg_pool2d(x, [k, k], [s, s], [p, p], count_include_pad: false)))),
        new("AveragePool2d, padding counted", d => Pool(d, (k, s, p) => (new AveragePool2d(k) { Stride = s, Padding = p, CountPadding = true }, x => F.avg_pool2d(x, [k, k], [s, s], [p, p], count_include_pad: true)))),
        new("GlobalAveragePool", d => OpCase.Layer("", new GlobalAveragePool(), d.Shape(4), t => F.adaptive_avg_pool2d(t[0], [1, 1]))),
        new("BatchNorm in training, of rank 2 to 4", BatchNorm),
        new("LayerNorm", d => Norm(d, new LayerNorm(), t => F.layer_norm(t[0], [t[0].shape[^1]], t[1], t[2], 1e-5))),
        new("GroupNorm", GroupNorm),
        new("RmsNorm", d => Norm(d, new RmsNorm(), t => t[0] * (t[0].square().mean([-1], keepdim: true) + 1e-6).rsqrt() * t[1])),
        new("Embedding, with repeats", Embedding),
        new("Gather along an axis", GatherAlong),
        new("MatMul with leading dimensions that broadcast", MatMul),
        new("Einsum", Einsum),
        new("Softmax along any axis", d => Along(d, (x, axis) => x.Softmax(axis), (x, axis) => x.softmax(axis))),
        new("LogSoftmax along any axis", d => Along(d, (x, axis) => x.LogSoftmax(axis), (x, axis) => x.log_softmax(axis))),
        new("LogSumExp along any axis", d => Along(d, (x, axis) => x.LogSumExp(axis), (x, axis) => x.logsumexp(axis))),
        new("Prod along any axis", d => Along(d, (x, axis) => x.Prod(axis), (x, axis) => x.prod(axis))),
        new("Pad: reflect", d => Pad(d, PadMode.Reflect, TorchSharp.PaddingModes.Reflect)),
        new("Pad: edge", d => Pad(d, PadMode.Edge, TorchSharp.PaddingModes.Replicate)),
        new("Pad: wrap", d => Pad(d, PadMode.Wrap, TorchSharp.PaddingModes.Circular)),
        new("Gelu", d => One(d, x => x.Gelu(), x => F.gelu(x))),
        new("Silu", d => One(d, x => x.Silu(), x => F.silu(x))),
        new("Mish", d => One(d, x => x.Mish(), x => F.mish(x))),
        new("Elu", d => One(d, x => x.Elu(0.7), x => F.elu(x, 0.7))),
        new("Selu", d => One(d, x => x.Selu(), x => F.selu(x))),
        new("Softplus", d => One(d, x => x.Softplus(), x => F.softplus(x))),
        new("HardSwish", d => One(d, x => x.HardSwish(), x => F.hardswish(x))),
        new("Erf", d => One(d, x => x.Erf(), x => x.erf())),
        new("softmax-cross-entropy, class numbers, smoothing, ignored class", CrossEntropy),
        new("softmax-cross-entropy, probabilities", d => Loss(d, new SoftmaxCrossEntropy(), 2, (x, t) => F.cross_entropy(x, t.softmax(-1), reduction: Torch.nn.Reduction.None), softTarget: true)),
        new("binary-cross-entropy with logits", d => Loss(d, new BinaryCrossEntropy(), 1, (x, t) => F.binary_cross_entropy_with_logits(x, t.sigmoid(), reduction: Torch.nn.Reduction.None), sigmoidTarget: true)),
        new("huber", d => Loss(d, new Huber { Delta = 0.8 }, 1, (x, t) => F.huber_loss(x, t, 0.8, Torch.nn.Reduction.None))),
    ];

    private static OpCase Conv2d(Draw d)
    {
        int groups = d.One(1, 1, 2, 3), inputs = groups * d.From(1, 3), outputs = groups * d.From(1, 3);
        var (kh, kw, sh, sw, dh, dw) = (d.From(1, 4), d.From(1, 4), d.From(1, 3), d.From(1, 3), d.From(1, 2), d.From(1, 2));
        var (ph, pw) = (d.From(0, 2), d.From(0, 2));
        var image = Shape.Of(d.From(1, 3), inputs, (kh - 1) * dh + 1 + d.From(0, 8), (kw - 1) * dw + 1 + d.From(0, 8));
        var filter = Shape.Of(outputs, inputs / groups, kh, kw);
        return new OpCase($"{image} {filter} stride {sh}×{sw} padding {ph}×{pw} dilation {dh}×{dw} groups {groups}", [image, filter, Shape.Of(outputs)],
            t => Convolve.Apply(t[0], t[1], (sh, sw), (ph, pw), (dh, dw), groups) + t[2].AlongChannels(4),
            t => F.conv2d(t[0], t[1], t[2], [sh, sw], [ph, pw], [dh, dw], groups));
    }

    private static OpCase Depthwise(Draw d)
    {
        var (channels, kernel, stride, padding) = (d.From(1, 6), d.From(1, 4), d.From(1, 2), d.From(0, 2));
        return OpCase.Layer($"{channels} channels, kernel {kernel}, stride {stride}", new Conv2d(channels, kernel) { Groups = channels, Stride = stride, Padding = padding },
            Shape.Of(d.From(1, 3), channels, kernel + d.From(0, 6), kernel + d.From(0, 6)),
            t => F.conv2d(t[0], t[1], t[2], [stride, stride], [padding, padding], [1, 1], channels));
    }

    private static OpCase Conv1d(Draw d)
    {
        int groups = d.One(1, 2), inputs = groups * d.From(1, 3), outputs = groups * d.From(1, 3);
        var (kernel, stride, padding, dilation) = (d.From(1, 5), d.From(1, 3), d.From(0, 3), d.From(1, 3));
        return OpCase.Layer($"{inputs} to {outputs}, kernel {kernel}, stride {stride}, padding {padding}, dilation {dilation}, groups {groups}",
            new Conv1d(outputs, kernel) { Groups = groups, Stride = stride, Padding = padding, Dilation = dilation },
            Shape.Of(d.From(1, 3), inputs, (kernel - 1) * dilation + 1 + d.From(0, 10)),
            t => F.conv1d(t[0], t[1], t[2], stride, padding, dilation, groups));
    }

    private static OpCase Pool(Draw d, Func<int, int, int, (Module, Func<Torch.Tensor, Torch.Tensor>)> make)
    {
        int kernel = d.From(1, 4), stride = d.From(1, 3), padding = d.From(0, kernel / 2);
        var (layer, theirs) = make(kernel, stride, padding);
        var shape = Shape.Of(d.From(1, 3), d.From(1, 3), kernel + d.From(0, 8), kernel + d.From(0, 8));
        return OpCase.Layer($"{shape} kernel {kernel} stride {stride} padding {padding}", layer, shape, t => theirs(t[0]));
    }

    // Over one or two numbers a norm's gradient is a difference of equal ones: at least so many.
    private const int NormedLeast = 4;

    private static OpCase Norm(Draw d, Module layer, Func<Torch.Tensor[], Torch.Tensor> theirs)
    {
        var shape = d.Shape(d.From(1, 3)).Append(d.From(NormedLeast, 9));
        return OpCase.Layer($"{shape}", layer, shape, theirs);
    }

    private static OpCase BatchNorm(Draw d)
    {
        var shape = d.Shape(d.From(2, 4)).With(0, d.From(NormedLeast, 7));
        return OpCase.Layer($"{shape}", new BatchNorm(), shape, t => F.batch_norm(t[0], null!, null!, t[1], t[2], training: true, eps: 1e-5));
    }

    private static OpCase GroupNorm(Draw d)
    {
        int groups = d.From(1, 3), perGroup = d.From(1, 3);
        var shape = d.Shape(4).With(1, groups * perGroup).With(3, d.From(NormedLeast, 7));
        return OpCase.Layer($"{shape} in {groups} groups", new GroupNorm(groups), shape, t => F.group_norm(t[0], groups, t[1], t[2], 1e-5));
    }

    private static OpCase Embedding(Draw d)
    {
        int rows = d.From(1, 8), width = d.From(1, 9);
        var ids = d.Shape(d.From(1, 3));
        int[] values = d.Indices(ids, rows);
        return new OpCase($"{rows}×{width} by {ids}", [Shape.Of(rows, width)], t => Gather.Apply(t[0], Tensor.From<int>(values, ids)),
            t => t[0].index(Torch.TensorIndex.Tensor(Torch.tensor([.. values.Select(v => (long)v)], ids.Dims.ToArray()))));
    }

    private static OpCase GatherAlong(Draw d)
    {
        var shape = d.Shape(3);
        int axis = d.From(0, 2);
        int[] values = d.Indices(Shape.Of(d.From(1, 7)), (int)shape[axis]);
        return new OpCase($"{shape} along {axis}", [shape], t => t[0].Gather(Tensor.From(values), axis), t => t[0].index_select(axis, Torch.tensor([.. values.Select(v => (long)v)])));
    }

    private static OpCase MatMul(Draw d)
    {
        long m = d.From(1, 9), k = d.From(1, 9), n = d.From(1, 9);
        long[] batch = [.. Enumerable.Range(0, d.From(0, 3)).Select(_ => (long)d.From(1, 3))];
        Shape Of(long rows, long columns) => Shape.Of([.. batch[d.From(0, batch.Length)..].Select(b => d.One(b, b, 1L)), rows, columns]);
        Shape a = d.From(0, 4) == 0 ? Shape.Of(k) : Of(m, k), b = d.From(0, 4) == 0 ? Shape.Of(k) : Of(k, n);
        return new OpCase($"{a} {b}", [a, b], t => t[0].MatMul(t[1]), t => t[0].matmul(t[1]));
    }

    private static OpCase Einsum(Draw d)
    {
        string notation = d.One("bij,bjk->bik", "ij,jk", "i,j->ij", "ij,ij->", "ii->i", "bhqd,bhkd->bhqk", "ab,cd,bd->ac", "ijk->k", "...ij,...jk->...ik", "iij,j->i");
        var sizes = Enumerable.Range(0, 128).Select(_ => (long)d.From(1, 4)).ToArray();
        Shape[] shapes = [.. notation.Split("->")[0].Split(',').Select(term => Shape.Of([.. term.Replace("...", "xy").Select(c => sizes[c])]))];
        return new OpCase(notation, shapes, t => Tensor.Einsum(notation, t), t => Torch.einsum(notation, t));
    }

    private static OpCase Along(Draw d, Func<Tensor, int, Tensor> ours, Func<Torch.Tensor, int, Torch.Tensor> theirs)
    {
        var shape = d.Shape(d.From(1, 4), 9);
        int axis = d.From(-shape.Rank, shape.Rank - 1);
        return new OpCase($"{shape} along {axis}", [shape], t => ours(t[0], axis), t => theirs(t[0], axis));
    }

    private static OpCase Pad(Draw d, PadMode mode, TorchSharp.PaddingModes theirs)
    {
        var shape = Shape.Of(d.From(1, 2), d.From(1, 2), d.From(3, 7), d.From(3, 7));
        int top = d.From(0, 2), bottom = d.From(0, 2), left = d.From(0, 2), right = d.From(0, 2);
        return new OpCase($"{shape} by {top} {bottom} {left} {right}", [shape], t => t[0].Pad(mode, (top, bottom), (left, right)),
            t => F.pad(t[0], [left, right, top, bottom], theirs));
    }

    private static OpCase One(Draw d, Func<Tensor, Tensor> ours, Func<Torch.Tensor, Torch.Tensor> theirs)
    {
        var shape = d.Shape(d.From(1, 3), 17);
        return new OpCase($"{shape}", [shape], t => ours(t[0]), t => theirs(t[0]));
    }

    private static OpCase CrossEntropy(Draw d)
    {
        int samples = d.From(1, 8), classes = d.From(2, 9), ignored = d.From(0, classes - 1);
        double smoothing = d.One(0, 0.1);
        int[] labels = d.Indices(Shape.Of(samples), classes);
        var loss = new SoftmaxCrossEntropy { LabelSmoothing = smoothing, IgnoreIndex = ignored };
        return new OpCase($"{samples} of {classes}, smoothing {smoothing}", [Shape.Of(samples, classes)], t => loss.PerSample(t[0], Tensor.From(labels)),
            t => F.cross_entropy(t[0], Torch.tensor([.. labels.Select(l => (long)l)]), ignore_index: ignored, reduction: Torch.nn.Reduction.None, label_smoothing: smoothing));
    }

    // Samples of several values: ours is their mean.
    private static OpCase Loss(Draw d, Loss loss, int rank, Func<Torch.Tensor, Torch.Tensor, Torch.Tensor> theirs, bool softTarget = false, bool sigmoidTarget = false)
    {
        var shape = Shape.Of([d.From(1, 6), .. Enumerable.Range(0, rank == 2 ? 1 : d.From(1, 2)).Select(_ => (long)d.From(2, 6))]);
        return new OpCase($"{shape}", [shape, shape], t => loss.PerSample(t[0], softTarget ? t[1].Softmax() : sigmoidTarget ? t[1].Sigmoid() : t[1]), t =>
        {
            var each = theirs(t[0], t[1]);
            return rank == 2 ? each : each.flatten(1).mean([1]);
        });
    }
}
