using System;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

// Asks a running "drg serve"; .NET Framework 4.5 or later, .NET 6 or later, Mono; no library.
//
//     DrgClient http://127.0.0.1:8765 case.json claims.csv grouped.csv
//
// Every call only computes, so it may be asked again without harm.

// What the service says. Fields that are not declared are passed over; declare those you need.
[DataContract]
public class Grouping
{
    [DataMember(Name = "outcome")] public string Outcome;
    [DataMember(Name = "group")] public string Group;
    [DataMember(Name = "group_name")] public string GroupName;
    [DataMember(Name = "reason")] public string Reason;
    [DataMember(Name = "scheme")] public string Scheme;
    [DataMember(Name = "digest")] public string Digest;
}

[DataContract]
public class Money
{
    [DataMember(Name = "case_class")] public string CaseClass;
    [DataMember(Name = "standard_fen")] public long? StandardFen;
    [DataMember(Name = "fund_fen")] public long? FundFen;
    [DataMember(Name = "difference_fen")] public long? DifferenceFen;
    [DataMember(Name = "policy")] public string Policy;
    [DataMember(Name = "digest")] public string Digest;
}

[DataContract]
public class Explanation
{
    [DataMember(Name = "grouping")] public Grouping Grouping;
    [DataMember(Name = "money")] public Money Money;
}

[DataContract]
public class Error
{
    [DataMember(Name = "code")] public string Code;
    [DataMember(Name = "what")] public string What;
    [DataMember(Name = "where")] public string Where;
    [DataMember(Name = "mend")] public string Mend;
}

// The service understood the request and says what is wrong with it.
public class Refused : Exception
{
    public readonly HttpStatusCode Status;
    public readonly Error Error;

    public Refused(HttpStatusCode status, Error error)
        : base((int)status + " " + error.Code + " " + error.What + " " + error.Mend)
    {
        Status = status;
        Error = error;
    }
}

public class DrgClient
{
    const int Tries = 4;
    readonly string root;
    readonly HttpClient http;

    public DrgClient(string root)
    {
        this.root = root;
        // No proxy ever sees a claim.
        http = new HttpClient(new HttpClientHandler { UseProxy = false });
        http.Timeout = Timeout.InfiniteTimeSpan; // each call has its own
        http.DefaultRequestHeaders.ExpectContinue = false;
    }

    // One question, one answer, both JSON in UTF-8.
    public async Task<T> Ask<T>(string path, string json)
    {
        Func<HttpContent> body = () => new StringContent(json, Encoding.UTF8, "application/json");
        using (HttpResponseMessage answer = await Send(path, body, TimeSpan.FromSeconds(10)))
        {
            return Read<T>(await answer.Content.ReadAsStreamAsync());
        }
    }

    // A file to a file; the target appears when the answer is whole, or not at all.
    public async Task Batch(string source, string target, string query)
    {
        string path = "/batch?name=" + Uri.EscapeDataString(Path.GetFileName(source)) + "&" + query;
        string part = target + ".part";
        Func<HttpContent> body = () =>
        {
            var content = new StreamContent(File.OpenRead(source));
            content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            return content;
        };
        try
        {
            using (HttpResponseMessage answer = await Send(path, body, TimeSpan.FromMinutes(10)))
            using (FileStream file = File.Create(part))
            {
                await answer.Content.CopyToAsync(file); // throws if it breaks off
            }
            File.Delete(target);
            File.Move(part, target);
        }
        finally
        {
            File.Delete(part);
        }
    }

    async Task<HttpResponseMessage> Send(string path, Func<HttpContent> body, TimeSpan longest)
    {
        for (int left = Tries - 1; ; left--)
        {
            TimeSpan pause = TimeSpan.FromSeconds(1);
            try
            {
                HttpResponseMessage answer;
                using (var limit = new CancellationTokenSource(longest))
                using (var request = new HttpRequestMessage(HttpMethod.Post, root + path))
                {
                    request.Content = body();
                    answer = await http.SendAsync(
                        request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
                }
                if (answer.IsSuccessStatusCode)
                    return answer;
                using (answer)
                {
                    RetryConditionHeaderValue later = answer.Headers.RetryAfter; // busy (503)
                    if (later == null || !later.Delta.HasValue || left == 0)
                        throw new Refused(
                            answer.StatusCode, Read<Error>(await answer.Content.ReadAsStreamAsync()));
                    pause = later.Delta.Value;
                }
            }
            catch (HttpRequestException) // not running yet, or the connection broke
            {
                if (left == 0)
                    throw;
            }
            await Task.Delay(pause);
        }
    }

    static T Read<T>(Stream json)
    {
        return (T)new DataContractJsonSerializer(typeof(T)).ReadObject(json);
    }

    // Whole fen as yuan; a missing amount stays missing.
    static string Yuan(long? fen)
    {
        return fen.HasValue
            ? (fen.Value / 100m).ToString("0.00", CultureInfo.InvariantCulture)
            : "—";
    }

    static async Task Run(string[] args)
    {
        var drg = new DrgClient(args[0]);
        string claim = File.ReadAllText(args[1], Encoding.UTF8);

        Grouping found = await drg.Ask<Grouping>(
            "/group", "{\"scheme\": \"haerbin-2022\", \"claim\": " + claim + "}");
        Console.WriteLine(found.Outcome + " " + found.Group + " " + found.GroupName);
        Console.WriteLine("scheme " + found.Scheme + " " + found.Digest.Substring(0, 12));

        Explanation told = await drg.Ask<Explanation>(
            "/explain", "{\"scheme\": \"haerbin-2022\", \"policy\": \"demo-2024\", \"claim\": " + claim + "}");
        Money money = told.Money;
        Console.WriteLine("standard " + Yuan(money.StandardFen) + " fund " + Yuan(money.FundFen));
        Console.WriteLine("difference " + Yuan(money.DifferenceFen) + " " + money.CaseClass);

        try
        {
            await drg.Ask<Grouping>("/group", "{\"scheme\": \"no-such-scheme\", \"claim\": " + claim + "}");
        }
        catch (Refused refused)
        {
            Console.WriteLine("refused " + (int)refused.Status + " " + refused.Error.Code);
        }

        await drg.Batch(args[2], args[3], "scheme=haerbin-2022&format=csv");
        Console.WriteLine("wrote " + Path.GetFileName(args[3]));
    }

    static void Main(string[] args)
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        Run(args).GetAwaiter().GetResult();
    }
}
