using Singa.Actors.Runtime.Data;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>What is said of a job's answers beside their loss. <c>TopK</c>: 0 where nobody asked.</summary>
public readonly record struct Figures(bool Accuracy, bool Perplexity, int TopK)
{
    /// <summary>
    /// An accuracy where the loss knows right from wrong; of a text nobody asks how many characters were guessed, but for its perplexity.
    /// </summary>
    public static Figures Of(TrainingJob job, DataDescription data)
    {
        bool text = data.Vocabulary is not null;
        return new Figures(job.Loss.HasAccuracy && !text, text && job.Loss.IsNegativeLogLikelihood, job.TopK);
    }

    /// <summary>Of sums over so many test samples.</summary>
    public TestFigures Test(double loss, double correct, double among, long samples) => new(loss / samples, Accuracy ? correct / samples : null)
    {
        Perplexity = PerplexityOf(loss / samples),
        Top = TopK > 0 ? new TopAccuracy(TopK, among / samples) : null,
    };

    /// <summary>e to the power of the loss where that is one; it is shown, never trained with.</summary>
    public double? PerplexityOf(double loss) => Perplexity ? Math.Exp(loss) : null;
}
