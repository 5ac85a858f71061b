using System.Text.Json;

namespace Singa.Actors.Runtime.Observing;

/// <summary>
/// One JSON object a line and step: <c>step, epoch, loss, samples_per_s, step_ms</c>, <c>perplexity</c> for text, <c>digest</c> where there
/// is one; after a test also <c>test_loss</c> and, where there are such figures, <c>test_accuracy, test_top_accuracy, test_perplexity</c>.
/// Scripts read it.
/// </summary>
public sealed class MetricsWriter(Stream target) : IDisposable
{
    private readonly JsonLines lines = new(target);

    public void Write(TrainingProgress progress) => lines.Write(json =>
    {
        json.WriteNumber("step", progress.Step);
        json.WriteNumber("epoch", progress.Epoch);
        json.WriteNumber("loss", progress.Loss);
        Number(json, "perplexity", progress.Perplexity);
        json.WriteNumber("samples_per_s", Math.Round(progress.SamplesPerSecond, 3));
        json.WriteNumber("step_ms", Math.Round(progress.StepTime.TotalMilliseconds, 6));
        if (progress.Digest is not null)
            json.WriteString("digest", progress.Digest);
        if (progress.Test is not { } test)
            return;
        Number(json, "test_loss", test.Loss);
        Number(json, "test_accuracy", test.Accuracy);
        Number(json, "test_top_accuracy", test.Top?.Share);
        Number(json, "test_perplexity", test.Perplexity);
    });

    public void Dispose() => lines.Dispose();

    /// <summary>JSON has no word for what is not finite.</summary>
    private static void Number(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } known && double.IsFinite(known))
            json.WriteNumber(name, known);
    }
}

/// <summary>One JSON object a line and committed shard: <c>epoch, step, shard, samples, worker, generation</c>.</summary>
public sealed class LedgerWriter(Stream target) : IDisposable
{
    private readonly JsonLines lines = new(target);

    public void Write(TrainingProgress progress)
    {
        foreach (var shard in progress.Committed)
        {
            lines.Write(json =>
            {
                json.WriteNumber("epoch", shard.Epoch);
                json.WriteNumber("step", shard.Step);
                json.WriteNumber("shard", shard.Shard);
                json.WriteStartArray("samples");
                foreach (long sample in shard.Samples)
                    json.WriteNumberValue(sample);
                json.WriteEndArray();
                json.WriteString("worker", shard.Worker);
                json.WriteNumber("generation", shard.Generation);
            });
        }
    }

    public void Dispose() => lines.Dispose();
}

/// <summary>Objects, one a line, each handed on when it is whole: whoever follows the file sees no half line.</summary>
internal sealed class JsonLines(Stream target) : IDisposable
{
    private readonly MemoryStream line = new();
    private Utf8JsonWriter? writer;

    public void Write(Action<Utf8JsonWriter> content)
    {
        line.SetLength(0);
        (writer ??= new Utf8JsonWriter(line)).Reset(line);
        writer.WriteStartObject();
        content(writer);
        writer.WriteEndObject();
        writer.Flush();
        line.WriteByte((byte)'\n');
        target.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
        target.Flush();
    }

    public void Dispose()
    {
        writer?.Dispose();
        line.Dispose();
        target.Dispose();
    }
}
